CREATE TABLE IF NOT EXISTS address (
	kind TEXT COLLATE "C" NOT NULL, 
	address TEXT COLLATE "C" NOT NULL, 
	address_hash TEXT COLLATE "C" NOT NULL, 
	salt BYTEA NOT NULL, 
	PRIMARY KEY (kind, address)
);
CREATE INDEX IF NOT EXISTS ix_address_address_hash ON address (address_hash);
CREATE TABLE IF NOT EXISTS agent (
	agent_id TEXT COLLATE "C" NOT NULL, 
	available INTEGER NOT NULL, 
	reason TEXT COLLATE "C" NOT NULL, 
	presence_since_ms BIGINT NOT NULL, 
	idle_since_ms BIGINT NOT NULL, 
	desk_ids TEXT COLLATE "C" NOT NULL, 
	grace_until_ms BIGINT NOT NULL, 
	PRIMARY KEY (agent_id)
);
CREATE TABLE IF NOT EXISTS alarm (
	alarm_id TEXT COLLATE "C" NOT NULL, 
	at_ms BIGINT NOT NULL, 
	code TEXT COLLATE "C" NOT NULL, 
	ref TEXT COLLATE "C" NOT NULL, 
	detail TEXT COLLATE "C" NOT NULL, 
	seen_by TEXT COLLATE "C" NOT NULL, 
	seen_at_ms BIGINT NOT NULL, 
	PRIMARY KEY (alarm_id)
);
CREATE TABLE IF NOT EXISTS call (
	call_id TEXT COLLATE "C" NOT NULL, 
	interaction_id TEXT COLLATE "C" NOT NULL, 
	account TEXT COLLATE "C" NOT NULL, 
	direction TEXT COLLATE "C" NOT NULL, 
	state TEXT COLLATE "C" NOT NULL, 
	why TEXT COLLATE "C" NOT NULL, 
	agent_id TEXT COLLATE "C" NOT NULL, 
	recording INTEGER NOT NULL, 
	silent INTEGER NOT NULL, 
	text INTEGER NOT NULL, 
	voice_id TEXT COLLATE "C" NOT NULL, 
	begun_ms BIGINT NOT NULL, 
	since_ms BIGINT NOT NULL, 
	connected_ms BIGINT NOT NULL, 
	ended_ms BIGINT NOT NULL, 
	PRIMARY KEY (call_id)
);
CREATE INDEX IF NOT EXISTS ix_call_ended_ms ON call (ended_ms);
CREATE INDEX IF NOT EXISTS ix_call_interaction_id ON call (interaction_id);
CREATE TABLE IF NOT EXISTS claim (
	ref TEXT COLLATE "C" NOT NULL, 
	owner TEXT COLLATE "C" NOT NULL, 
	until_ms BIGINT NOT NULL, 
	PRIMARY KEY (ref)
);
CREATE TABLE IF NOT EXISTS connection (
	connection_id TEXT COLLATE "C" NOT NULL, 
	kind TEXT COLLATE "C" NOT NULL, 
	web_id TEXT COLLATE "C" NOT NULL, 
	owner_id TEXT COLLATE "C" NOT NULL, 
	PRIMARY KEY (connection_id)
);
CREATE INDEX IF NOT EXISTS ix_connection_web_id ON connection (web_id);
CREATE TABLE IF NOT EXISTS consent (
	channel TEXT COLLATE "C" NOT NULL, 
	address_hash TEXT COLLATE "C" NOT NULL, 
	category TEXT COLLATE "C" NOT NULL, 
	state TEXT COLLATE "C" NOT NULL, 
	at_ms BIGINT NOT NULL, 
	seq BIGINT NOT NULL, 
	how TEXT COLLATE "C" NOT NULL, 
	agent_id TEXT COLLATE "C" NOT NULL, 
	blocked INTEGER NOT NULL, 
	PRIMARY KEY (channel, address_hash, category)
);
CREATE TABLE IF NOT EXISTS content (
	content_id TEXT COLLATE "C" NOT NULL, 
	media_type TEXT COLLATE "C" NOT NULL, 
	file_name TEXT COLLATE "C" NOT NULL, 
	salt BYTEA NOT NULL, 
	body BYTEA NOT NULL, 
	at_ms BIGINT NOT NULL, 
	PRIMARY KEY (content_id)
);
CREATE TABLE IF NOT EXISTS credential (
	agent_id TEXT COLLATE "C" NOT NULL, 
	password_hash TEXT COLLATE "C" NOT NULL, 
	must_change INTEGER NOT NULL, 
	PRIMARY KEY (agent_id)
);
CREATE TABLE IF NOT EXISTS customer (
	customer_id TEXT COLLATE "C" NOT NULL, 
	created_at_ms BIGINT NOT NULL, 
	name_content_id TEXT COLLATE "C" NOT NULL, 
	PRIMARY KEY (customer_id)
);
CREATE TABLE IF NOT EXISTS identity (
	identity_id TEXT COLLATE "C" NOT NULL, 
	customer_id TEXT COLLATE "C" NOT NULL, 
	channel TEXT COLLATE "C" NOT NULL, 
	account TEXT COLLATE "C" NOT NULL, 
	address_hash TEXT COLLATE "C" NOT NULL, 
	verified INTEGER NOT NULL, 
	at_ms BIGINT NOT NULL, 
	moved_from TEXT COLLATE "C" NOT NULL, 
	moved_at_ms BIGINT NOT NULL, 
	moved_by TEXT COLLATE "C" NOT NULL, 
	moved_why TEXT COLLATE "C" NOT NULL, 
	moved_command_id TEXT COLLATE "C" NOT NULL, 
	PRIMARY KEY (identity_id)
);
CREATE INDEX IF NOT EXISTS ix_identity_address_hash ON identity (address_hash);
CREATE INDEX IF NOT EXISTS ix_identity_customer_id ON identity (customer_id);
CREATE TABLE IF NOT EXISTS interaction (
	interaction_id TEXT COLLATE "C" NOT NULL, 
	channel TEXT COLLATE "C" NOT NULL, 
	account TEXT COLLATE "C" NOT NULL, 
	customer_id TEXT COLLATE "C" NOT NULL, 
	identity_id TEXT COLLATE "C" NOT NULL, 
	linked_to TEXT COLLATE "C" NOT NULL, 
	address_hash TEXT COLLATE "C" NOT NULL, 
	thread TEXT COLLATE "C" NOT NULL, 
	traffic TEXT COLLATE "C" NOT NULL, 
	follows TEXT COLLATE "C" NOT NULL, 
	arrived_seq BIGINT NOT NULL, 
	accepted_at_ms BIGINT NOT NULL, 
	reading TEXT COLLATE "C" NOT NULL, 
	language TEXT COLLATE "C" NOT NULL, 
	single_copy INTEGER NOT NULL, 
	closed_seq BIGINT NOT NULL, 
	state TEXT COLLATE "C" NOT NULL, 
	queue_id TEXT COLLATE "C" NOT NULL, 
	urgency INTEGER NOT NULL, 
	requirement TEXT COLLATE "C" NOT NULL, 
	rule_id TEXT COLLATE "C" NOT NULL, 
	step INTEGER NOT NULL, 
	offer_count INTEGER NOT NULL, 
	offer_id TEXT COLLATE "C" NOT NULL, 
	agent_id TEXT COLLATE "C" NOT NULL, 
	parked_until_ms BIGINT NOT NULL, 
	named_agent_id TEXT COLLATE "C" NOT NULL, 
	named_until_ms BIGINT NOT NULL, 
	connection_ids TEXT COLLATE "C" NOT NULL, 
	abandon_at_ms BIGINT NOT NULL, 
	assigned_at_ms BIGINT NOT NULL, 
	answered_at_ms BIGINT NOT NULL, 
	answered_queue_id TEXT COLLATE "C" NOT NULL, 
	wrap_up_since_ms BIGINT NOT NULL, 
	disposition TEXT COLLATE "C" NOT NULL, 
	closed_by TEXT COLLATE "C" NOT NULL, 
	closed_why TEXT COLLATE "C" NOT NULL, 
	closed_at_ms BIGINT NOT NULL, 
	PRIMARY KEY (interaction_id)
);
CREATE INDEX IF NOT EXISTS interaction_agent ON interaction (agent_id, closed_seq);
CREATE INDEX IF NOT EXISTS interaction_open ON interaction (closed_seq, state);
CREATE INDEX IF NOT EXISTS ix_interaction_customer_id ON interaction (customer_id);
CREATE INDEX IF NOT EXISTS ix_interaction_thread ON interaction (thread);
CREATE TABLE IF NOT EXISTS journal (
	site TEXT COLLATE "C" NOT NULL, 
	incarnation TEXT COLLATE "C" NOT NULL, 
	seq BIGINT NOT NULL, 
	at_ms BIGINT NOT NULL, 
	kind TEXT COLLATE "C" NOT NULL, 
	ref TEXT COLLATE "C" NOT NULL, 
	data TEXT COLLATE "C" NOT NULL, 
	hash BYTEA NOT NULL, 
	PRIMARY KEY (site, incarnation, seq)
);
CREATE TABLE IF NOT EXISTS lease (
	name TEXT COLLATE "C" NOT NULL, 
	owner TEXT COLLATE "C" NOT NULL, 
	epoch BIGINT NOT NULL, 
	until_ms BIGINT NOT NULL, 
	PRIMARY KEY (name)
);
CREATE TABLE IF NOT EXISTS mailbox (
	mailbox TEXT COLLATE "C" NOT NULL, 
	validity BIGINT NOT NULL, 
	last_uid BIGINT NOT NULL, 
	at_ms BIGINT NOT NULL, 
	PRIMARY KEY (mailbox)
);
CREATE TABLE IF NOT EXISTS message (
	message_id TEXT COLLATE "C" NOT NULL, 
	interaction_id TEXT COLLATE "C" NOT NULL, 
	seq BIGINT NOT NULL, 
	at_ms BIGINT NOT NULL, 
	direction TEXT COLLATE "C" NOT NULL, 
	author_id TEXT COLLATE "C" NOT NULL, 
	kind TEXT COLLATE "C" NOT NULL, 
	content_id TEXT COLLATE "C" NOT NULL, 
	client_id TEXT COLLATE "C" NOT NULL, 
	status TEXT COLLATE "C" NOT NULL, 
	trouble TEXT COLLATE "C" NOT NULL, 
	reading TEXT COLLATE "C" NOT NULL, 
	PRIMARY KEY (message_id)
);
CREATE INDEX IF NOT EXISTS message_order ON message (interaction_id, seq);
CREATE INDEX IF NOT EXISTS message_unread ON message (reading, seq);
CREATE TABLE IF NOT EXISTS notice (
	message_id TEXT COLLATE "C" NOT NULL, 
	kind TEXT COLLATE "C" NOT NULL, 
	account TEXT COLLATE "C" NOT NULL, 
	address_hash TEXT COLLATE "C" NOT NULL, 
	at_ms BIGINT NOT NULL, 
	seq BIGINT NOT NULL, 
	PRIMARY KEY (message_id)
);
CREATE INDEX IF NOT EXISTS notice_of_texter ON notice (kind, account, address_hash, at_ms);
CREATE TABLE IF NOT EXISTS offer (
	interaction_id TEXT COLLATE "C" NOT NULL, 
	agent_id TEXT COLLATE "C" NOT NULL, 
	offer_id TEXT COLLATE "C" NOT NULL, 
	offered_at_ms BIGINT NOT NULL, 
	deadline_ms BIGINT NOT NULL, 
	outcome TEXT COLLATE "C" NOT NULL, 
	ended_at_ms BIGINT NOT NULL, 
	cooldown_until_ms BIGINT NOT NULL, 
	explanation TEXT COLLATE "C" NOT NULL, 
	PRIMARY KEY (interaction_id, agent_id)
);
CREATE INDEX IF NOT EXISTS ix_offer_offer_id ON offer (offer_id);
CREATE TABLE IF NOT EXISTS outbox (
	outbox_id TEXT COLLATE "C" NOT NULL, 
	message_id TEXT COLLATE "C" NOT NULL, 
	interaction_id TEXT COLLATE "C" NOT NULL, 
	channel TEXT COLLATE "C" NOT NULL, 
	account TEXT COLLATE "C" NOT NULL, 
	address_hash TEXT COLLATE "C" NOT NULL, 
	seq BIGINT NOT NULL, 
	ordered_at_ms BIGINT NOT NULL, 
	status TEXT COLLATE "C" NOT NULL, 
	attempts INTEGER NOT NULL, 
	due_at_ms BIGINT NOT NULL, 
	detail TEXT COLLATE "C" NOT NULL, 
	automatic INTEGER NOT NULL, 
	template TEXT COLLATE "C" NOT NULL, 
	category TEXT COLLATE "C" NOT NULL, 
	instead_of TEXT COLLATE "C" NOT NULL, 
	fallback TEXT COLLATE "C" NOT NULL, 
	fallback_why TEXT COLLATE "C" NOT NULL, 
	PRIMARY KEY (outbox_id)
);
CREATE INDEX IF NOT EXISTS ix_outbox_message_id ON outbox (message_id);
CREATE INDEX IF NOT EXISTS outbox_due ON outbox (status, account, due_at_ms);
CREATE INDEX IF NOT EXISTS outbox_fallback ON outbox (account, status, ordered_at_ms);
CREATE INDEX IF NOT EXISTS outbox_order ON outbox (address_hash, status, seq);
CREATE TABLE IF NOT EXISTS pace (
	account TEXT COLLATE "C" NOT NULL, 
	recent TEXT COLLATE "C" NOT NULL, 
	slower INTEGER NOT NULL, 
	slowed_at_ms BIGINT NOT NULL, 
	PRIMARY KEY (account)
);
CREATE TABLE IF NOT EXISTS part (
	message_id TEXT COLLATE "C" NOT NULL, 
	number INTEGER NOT NULL, 
	kind TEXT COLLATE "C" NOT NULL, 
	content_id TEXT COLLATE "C" NOT NULL, 
	content_hash TEXT COLLATE "C" NOT NULL, 
	PRIMARY KEY (message_id, number)
);
CREATE INDEX IF NOT EXISTS part_wanted ON part (kind) WHERE kind = 'wanted';
CREATE TABLE IF NOT EXISTS person (
	agent_id TEXT COLLATE "C" NOT NULL, 
	name TEXT COLLATE "C" NOT NULL, 
	role TEXT COLLATE "C" NOT NULL, 
	active INTEGER NOT NULL, 
	credential_digest TEXT COLLATE "C" NOT NULL, 
	PRIMARY KEY (agent_id)
);
CREATE TABLE IF NOT EXISTS place (
	interaction_id TEXT COLLATE "C" NOT NULL, 
	place_id TEXT COLLATE "C" NOT NULL, 
	message_id TEXT COLLATE "C" NOT NULL, 
	seq BIGINT NOT NULL, 
	source TEXT COLLATE "C" NOT NULL, 
	radius_m INTEGER NOT NULL, 
	fix_at_ms BIGINT NOT NULL, 
	received_at_ms BIGINT NOT NULL, 
	confidence INTEGER NOT NULL, 
	content_id TEXT COLLATE "C" NOT NULL, 
	newest INTEGER NOT NULL, 
	tightest INTEGER NOT NULL, 
	PRIMARY KEY (interaction_id, place_id)
);
CREATE INDEX IF NOT EXISTS place_marked ON place (interaction_id) WHERE newest = 1 OR tightest = 1;
CREATE TABLE IF NOT EXISTS plan (
	version SERIAL NOT NULL, 
	seq BIGINT NOT NULL, 
	activated_at_ms BIGINT NOT NULL, 
	activated_by TEXT COLLATE "C" NOT NULL, 
	digest TEXT COLLATE "C" NOT NULL, 
	text TEXT COLLATE "C" NOT NULL, 
	PRIMARY KEY (version)
);
CREATE TABLE IF NOT EXISTS position (
	reader TEXT COLLATE "C" NOT NULL, 
	read_through BIGINT NOT NULL, 
	now_ms BIGINT NOT NULL, 
	PRIMARY KEY (reader)
);
CREATE TABLE IF NOT EXISTS probe (
	probe_hash TEXT COLLATE "C" NOT NULL, 
	watched TEXT COLLATE "C" NOT NULL, 
	until_ms BIGINT NOT NULL, 
	PRIMARY KEY (probe_hash)
);
CREATE TABLE IF NOT EXISTS quarantine (
	quarantine_id TEXT COLLATE "C" NOT NULL, 
	account TEXT COLLATE "C" NOT NULL, 
	received_at_ms BIGINT NOT NULL, 
	peer TEXT COLLATE "C" NOT NULL, 
	path TEXT COLLATE "C" NOT NULL, 
	query TEXT COLLATE "C" NOT NULL, 
	headers TEXT COLLATE "C" NOT NULL, 
	body BYTEA NOT NULL, 
	size INTEGER NOT NULL, 
	reason TEXT COLLATE "C" NOT NULL, 
	PRIMARY KEY (quarantine_id)
);
CREATE INDEX IF NOT EXISTS quarantine_account ON quarantine (account, received_at_ms);
CREATE TABLE IF NOT EXISTS refused (
	account TEXT COLLATE "C" NOT NULL, 
	minute_ms BIGINT NOT NULL, 
	count INTEGER NOT NULL, 
	PRIMARY KEY (account, minute_ms)
);
CREATE TABLE IF NOT EXISTS sending (
	account TEXT COLLATE "C" NOT NULL, 
	provider_id TEXT COLLATE "C" NOT NULL, 
	outbox_id TEXT COLLATE "C" NOT NULL, 
	PRIMARY KEY (account, provider_id)
);
CREATE INDEX IF NOT EXISTS ix_sending_outbox_id ON sending (outbox_id);
CREATE TABLE IF NOT EXISTS session (
	token_hash TEXT COLLATE "C" NOT NULL, 
	agent_id TEXT COLLATE "C" NOT NULL, 
	begun_at_ms BIGINT NOT NULL, 
	expires_at_ms BIGINT NOT NULL, 
	ended_at_ms BIGINT NOT NULL, 
	PRIMARY KEY (token_hash)
);
CREATE INDEX IF NOT EXISTS ix_session_agent_id ON session (agent_id);
CREATE TABLE IF NOT EXISTS sighting (
	sighting_id TEXT COLLATE "C" NOT NULL, 
	channel TEXT COLLATE "C" NOT NULL, 
	account TEXT COLLATE "C" NOT NULL, 
	address_hash TEXT COLLATE "C" NOT NULL, 
	address_kind TEXT COLLATE "C" NOT NULL, 
	content_id TEXT COLLATE "C" NOT NULL, 
	received_at_ms BIGINT NOT NULL, 
	at_ms BIGINT NOT NULL, 
	traffic TEXT COLLATE "C" NOT NULL, 
	follows INTEGER NOT NULL, 
	became TEXT COLLATE "C" NOT NULL, 
	PRIMARY KEY (sighting_id)
);
CREATE INDEX IF NOT EXISTS sighting_waiting ON sighting (at_ms) WHERE became = '';
CREATE TABLE IF NOT EXISTS stream (
	site TEXT COLLATE "C" NOT NULL, 
	incarnation TEXT COLLATE "C" NOT NULL, 
	own INTEGER NOT NULL, 
	last_seq BIGINT NOT NULL, 
	last_at_ms BIGINT NOT NULL, 
	head_hash BYTEA NOT NULL, 
	PRIMARY KEY (site, incarnation)
);
CREATE TABLE IF NOT EXISTS text_switch (
	scope TEXT COLLATE "C" NOT NULL, 
	is_off INTEGER NOT NULL, 
	since_ms BIGINT NOT NULL, 
	seq BIGINT NOT NULL, 
	agent_id TEXT COLLATE "C" NOT NULL, 
	reason TEXT COLLATE "C" NOT NULL, 
	PRIMARY KEY (scope)
);
CREATE TABLE IF NOT EXISTS ticket (
	ticket_hash TEXT COLLATE "C" NOT NULL, 
	agent_id TEXT COLLATE "C" NOT NULL, 
	session_hash TEXT COLLATE "C" NOT NULL, 
	expires_at_ms BIGINT NOT NULL, 
	PRIMARY KEY (ticket_hash)
);
CREATE INDEX IF NOT EXISTS ix_ticket_expires_at_ms ON ticket (expires_at_ms);
CREATE TABLE IF NOT EXISTS watch (
	watched TEXT COLLATE "C" NOT NULL, 
	channel TEXT COLLATE "C" NOT NULL, 
	through_ms BIGINT NOT NULL, 
	real_ms BIGINT NOT NULL, 
	probe_ms BIGINT NOT NULL, 
	problem TEXT COLLATE "C" NOT NULL, 
	trouble TEXT COLLATE "C" NOT NULL, 
	PRIMARY KEY (watched)
);
