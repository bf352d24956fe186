"""The endpoint on loopback where the AWS SDKs fetch credentials: who may ask, and what they get."""
