"""Stand-ins for the outside world that keep its rules: what the demo and the tests run against."""
