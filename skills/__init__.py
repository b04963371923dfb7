"""Who can help whom: requirements, proficiency, matching, widening, triage and language."""
