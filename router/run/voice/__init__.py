"""The role `voice`: every call of a site, from the first ring to its recording. README.md tells how."""
