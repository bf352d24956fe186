"""Makes the shared fixtures known to all tests."""

pytest_plugins = ["support.fixtures", "support.aws_fixtures", "support.keystore_fixtures"]
