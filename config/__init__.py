"""The plan of a centre (one TOML file) and the settings of a process."""
