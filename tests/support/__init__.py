"""What several tests share: a virtual smart card and a pcscd of the tests' own."""
