"""The journal of a site: streams, hash chain, committer, tables, fold, verify, replay."""
