"""AWS with nothing worth stealing on the disk: keys in the system keystore, MFA codes off the YubiKey."""

__version__ = "0.1.0"
