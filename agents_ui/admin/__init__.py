"""The administrator's page: health, channels, plan, people, sessions, audit."""
