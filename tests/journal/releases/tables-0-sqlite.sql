CREATE TABLE IF NOT EXISTS address (
	kind VARCHAR NOT NULL, 
	address VARCHAR NOT NULL, 
	address_hash VARCHAR NOT NULL, 
	salt BLOB NOT NULL, 
	PRIMARY KEY (kind, address)
);
CREATE INDEX IF NOT EXISTS ix_address_address_hash ON address (address_hash);
CREATE TABLE IF NOT EXISTS agent (
	agent_id VARCHAR NOT NULL, 
	available INTEGER NOT NULL, 
	reason VARCHAR NOT NULL, 
	presence_since_ms BIGINT NOT NULL, 
	idle_since_ms BIGINT NOT NULL, 
	desk_ids VARCHAR NOT NULL, 
	grace_until_ms BIGINT NOT NULL, 
	PRIMARY KEY (agent_id)
);
CREATE TABLE IF NOT EXISTS alarm (
	alarm_id VARCHAR NOT NULL, 
	at_ms BIGINT NOT NULL, 
	code VARCHAR NOT NULL, 
	ref VARCHAR NOT NULL, 
	detail VARCHAR NOT NULL, 
	seen_by VARCHAR NOT NULL, 
	seen_at_ms BIGINT NOT NULL, 
	PRIMARY KEY (alarm_id)
);
CREATE TABLE IF NOT EXISTS call (
	call_id VARCHAR NOT NULL, 
	interaction_id VARCHAR NOT NULL, 
	account VARCHAR NOT NULL, 
	direction VARCHAR NOT NULL, 
	state VARCHAR NOT NULL, 
	why VARCHAR NOT NULL, 
	agent_id VARCHAR NOT NULL, 
	recording INTEGER NOT NULL, 
	silent INTEGER NOT NULL, 
	text INTEGER NOT NULL, 
	voice_id VARCHAR NOT NULL, 
	begun_ms BIGINT NOT NULL, 
	since_ms BIGINT NOT NULL, 
	connected_ms BIGINT NOT NULL, 
	ended_ms BIGINT NOT NULL, 
	PRIMARY KEY (call_id)
);
CREATE INDEX IF NOT EXISTS ix_call_ended_ms ON call (ended_ms);
CREATE INDEX IF NOT EXISTS ix_call_interaction_id ON call (interaction_id);
CREATE TABLE IF NOT EXISTS claim (
	ref VARCHAR NOT NULL, 
	owner VARCHAR NOT NULL, 
	until_ms BIGINT NOT NULL, 
	PRIMARY KEY (ref)
);
CREATE TABLE IF NOT EXISTS connection (
	connection_id VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	web_id VARCHAR NOT NULL, 
	owner_id VARCHAR NOT NULL, 
	PRIMARY KEY (connection_id)
);
CREATE INDEX IF NOT EXISTS ix_connection_web_id ON connection (web_id);
CREATE TABLE IF NOT EXISTS consent (
	channel VARCHAR NOT NULL, 
	address_hash VARCHAR NOT NULL, 
	category VARCHAR NOT NULL, 
	state VARCHAR NOT NULL, 
	at_ms BIGINT NOT NULL, 
	seq BIGINT NOT NULL, 
	how VARCHAR NOT NULL, 
	agent_id VARCHAR NOT NULL, 
	blocked INTEGER NOT NULL, 
	PRIMARY KEY (channel, address_hash, category)
);
CREATE TABLE IF NOT EXISTS content (
	content_id VARCHAR NOT NULL, 
	media_type VARCHAR NOT NULL, 
	file_name VARCHAR NOT NULL, 
	salt BLOB NOT NULL, 
	body BLOB NOT NULL, 
	at_ms BIGINT NOT NULL, 
	PRIMARY KEY (content_id)
);
CREATE TABLE IF NOT EXISTS credential (
	agent_id VARCHAR NOT NULL, 
	password_hash VARCHAR NOT NULL, 
	must_change INTEGER NOT NULL, 
	PRIMARY KEY (agent_id)
);
CREATE TABLE IF NOT EXISTS customer (
	customer_id VARCHAR NOT NULL, 
	created_at_ms BIGINT NOT NULL, 
	name_content_id VARCHAR NOT NULL, 
	PRIMARY KEY (customer_id)
);
CREATE TABLE IF NOT EXISTS identity (
	identity_id VARCHAR NOT NULL, 
	customer_id VARCHAR NOT NULL, 
	channel VARCHAR NOT NULL, 
	account VARCHAR NOT NULL, 
	address_hash VARCHAR NOT NULL, 
	verified INTEGER NOT NULL, 
	at_ms BIGINT NOT NULL, 
	moved_from VARCHAR NOT NULL, 
	moved_at_ms BIGINT NOT NULL, 
	moved_by VARCHAR NOT NULL, 
	moved_why VARCHAR NOT NULL, 
	moved_command_id VARCHAR NOT NULL, 
	PRIMARY KEY (identity_id)
);
CREATE INDEX IF NOT EXISTS ix_identity_address_hash ON identity (address_hash);
CREATE INDEX IF NOT EXISTS ix_identity_customer_id ON identity (customer_id);
CREATE TABLE IF NOT EXISTS interaction (
	interaction_id VARCHAR NOT NULL, 
	channel VARCHAR NOT NULL, 
	account VARCHAR NOT NULL, 
	customer_id VARCHAR NOT NULL, 
	identity_id VARCHAR NOT NULL, 
	linked_to VARCHAR NOT NULL, 
	address_hash VARCHAR NOT NULL, 
	thread VARCHAR NOT NULL, 
	traffic VARCHAR NOT NULL, 
	follows VARCHAR NOT NULL, 
	arrived_seq BIGINT NOT NULL, 
	accepted_at_ms BIGINT NOT NULL, 
	reading VARCHAR NOT NULL, 
	language VARCHAR NOT NULL, 
	single_copy INTEGER NOT NULL, 
	closed_seq BIGINT NOT NULL, 
	state VARCHAR NOT NULL, 
	queue_id VARCHAR NOT NULL, 
	urgency INTEGER NOT NULL, 
	requirement VARCHAR NOT NULL, 
	rule_id VARCHAR NOT NULL, 
	step INTEGER NOT NULL, 
	offer_count INTEGER NOT NULL, 
	offer_id VARCHAR NOT NULL, 
	agent_id VARCHAR NOT NULL, 
	parked_until_ms BIGINT NOT NULL, 
	named_agent_id VARCHAR NOT NULL, 
	named_until_ms BIGINT NOT NULL, 
	connection_ids VARCHAR NOT NULL, 
	abandon_at_ms BIGINT NOT NULL, 
	assigned_at_ms BIGINT NOT NULL, 
	answered_at_ms BIGINT NOT NULL, 
	answered_queue_id VARCHAR NOT NULL, 
	wrap_up_since_ms BIGINT NOT NULL, 
	disposition VARCHAR NOT NULL, 
	closed_by VARCHAR NOT NULL, 
	closed_why VARCHAR NOT NULL, 
	closed_at_ms BIGINT NOT NULL, 
	PRIMARY KEY (interaction_id)
);
CREATE INDEX IF NOT EXISTS interaction_agent ON interaction (agent_id, closed_seq);
CREATE INDEX IF NOT EXISTS interaction_open ON interaction (closed_seq, state);
CREATE INDEX IF NOT EXISTS ix_interaction_customer_id ON interaction (customer_id);
CREATE INDEX IF NOT EXISTS ix_interaction_thread ON interaction (thread);
CREATE TABLE IF NOT EXISTS journal (
	site VARCHAR NOT NULL, 
	incarnation VARCHAR NOT NULL, 
	seq BIGINT NOT NULL, 
	at_ms BIGINT NOT NULL, 
	kind VARCHAR NOT NULL, 
	ref VARCHAR NOT NULL, 
	data TEXT NOT NULL, 
	hash BLOB NOT NULL, 
	PRIMARY KEY (site, incarnation, seq)
);
CREATE TABLE IF NOT EXISTS lease (
	name VARCHAR NOT NULL, 
	owner VARCHAR NOT NULL, 
	epoch BIGINT NOT NULL, 
	until_ms BIGINT NOT NULL, 
	PRIMARY KEY (name)
);
CREATE TABLE IF NOT EXISTS mailbox (
	mailbox VARCHAR NOT NULL, 
	validity BIGINT NOT NULL, 
	last_uid BIGINT NOT NULL, 
	at_ms BIGINT NOT NULL, 
	PRIMARY KEY (mailbox)
);
CREATE TABLE IF NOT EXISTS message (
	message_id VARCHAR NOT NULL, 
	interaction_id VARCHAR NOT NULL, 
	seq BIGINT NOT NULL, 
	at_ms BIGINT NOT NULL, 
	direction VARCHAR NOT NULL, 
	author_id VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	content_id VARCHAR NOT NULL, 
	client_id VARCHAR NOT NULL, 
	status VARCHAR NOT NULL, 
	trouble VARCHAR NOT NULL, 
	reading VARCHAR NOT NULL, 
	PRIMARY KEY (message_id)
);
CREATE INDEX IF NOT EXISTS message_order ON message (interaction_id, seq);
CREATE INDEX IF NOT EXISTS message_unread ON message (reading, seq);
CREATE TABLE IF NOT EXISTS notice (
	message_id VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	account VARCHAR NOT NULL, 
	address_hash VARCHAR NOT NULL, 
	at_ms BIGINT NOT NULL, 
	seq BIGINT NOT NULL, 
	PRIMARY KEY (message_id)
);
CREATE INDEX IF NOT EXISTS notice_of_texter ON notice (kind, account, address_hash, at_ms);
CREATE TABLE IF NOT EXISTS offer (
	interaction_id VARCHAR NOT NULL, 
	agent_id VARCHAR NOT NULL, 
	offer_id VARCHAR NOT NULL, 
	offered_at_ms BIGINT NOT NULL, 
	deadline_ms BIGINT NOT NULL, 
	outcome VARCHAR NOT NULL, 
	ended_at_ms BIGINT NOT NULL, 
	cooldown_until_ms BIGINT NOT NULL, 
	explanation VARCHAR NOT NULL, 
	PRIMARY KEY (interaction_id, agent_id)
);
CREATE INDEX IF NOT EXISTS ix_offer_offer_id ON offer (offer_id);
CREATE TABLE IF NOT EXISTS outbox (
	outbox_id VARCHAR NOT NULL, 
	message_id VARCHAR NOT NULL, 
	interaction_id VARCHAR NOT NULL, 
	channel VARCHAR NOT NULL, 
	account VARCHAR NOT NULL, 
	address_hash VARCHAR NOT NULL, 
	seq BIGINT NOT NULL, 
	ordered_at_ms BIGINT NOT NULL, 
	status VARCHAR NOT NULL, 
	attempts INTEGER NOT NULL, 
	due_at_ms BIGINT NOT NULL, 
	detail VARCHAR NOT NULL, 
	automatic INTEGER NOT NULL, 
	template VARCHAR NOT NULL, 
	category VARCHAR NOT NULL, 
	instead_of VARCHAR NOT NULL, 
	fallback VARCHAR NOT NULL, 
	fallback_why VARCHAR NOT NULL, 
	PRIMARY KEY (outbox_id)
);
CREATE INDEX IF NOT EXISTS ix_outbox_message_id ON outbox (message_id);
CREATE INDEX IF NOT EXISTS outbox_due ON outbox (status, account, due_at_ms);
CREATE INDEX IF NOT EXISTS outbox_fallback ON outbox (account, status, ordered_at_ms);
CREATE INDEX IF NOT EXISTS outbox_order ON outbox (address_hash, status, seq);
CREATE TABLE IF NOT EXISTS pace (
	account VARCHAR NOT NULL, 
	recent VARCHAR NOT NULL, 
	slower INTEGER NOT NULL, 
	slowed_at_ms BIGINT NOT NULL, 
	PRIMARY KEY (account)
);
CREATE TABLE IF NOT EXISTS part (
	message_id VARCHAR NOT NULL, 
	number INTEGER NOT NULL, 
	kind VARCHAR NOT NULL, 
	content_id VARCHAR NOT NULL, 
	content_hash VARCHAR NOT NULL, 
	PRIMARY KEY (message_id, number)
);
CREATE INDEX IF NOT EXISTS part_wanted ON part (kind) WHERE kind = 'wanted';
CREATE TABLE IF NOT EXISTS person (
	agent_id VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	role VARCHAR NOT NULL, 
	active INTEGER NOT NULL, 
	credential_digest VARCHAR NOT NULL, 
	PRIMARY KEY (agent_id)
);
CREATE TABLE IF NOT EXISTS place (
	interaction_id VARCHAR NOT NULL, 
	place_id VARCHAR NOT NULL, 
	message_id VARCHAR NOT NULL, 
	seq BIGINT NOT NULL, 
	source VARCHAR NOT NULL, 
	radius_m INTEGER NOT NULL, 
	fix_at_ms BIGINT NOT NULL, 
	received_at_ms BIGINT NOT NULL, 
	confidence INTEGER NOT NULL, 
	content_id VARCHAR NOT NULL, 
	newest INTEGER NOT NULL, 
	tightest INTEGER NOT NULL, 
	PRIMARY KEY (interaction_id, place_id)
);
CREATE INDEX IF NOT EXISTS place_marked ON place (interaction_id) WHERE newest = 1 OR tightest = 1;
CREATE TABLE IF NOT EXISTS "plan" (
	version INTEGER NOT NULL, 
	seq BIGINT NOT NULL, 
	activated_at_ms BIGINT NOT NULL, 
	activated_by VARCHAR NOT NULL, 
	digest VARCHAR NOT NULL, 
	text TEXT NOT NULL, 
	PRIMARY KEY (version)
);
CREATE TABLE IF NOT EXISTS position (
	reader VARCHAR NOT NULL, 
	read_through BIGINT NOT NULL, 
	now_ms BIGINT NOT NULL, 
	PRIMARY KEY (reader)
);
CREATE TABLE IF NOT EXISTS probe (
	probe_hash VARCHAR NOT NULL, 
	watched VARCHAR NOT NULL, 
	until_ms BIGINT NOT NULL, 
	PRIMARY KEY (probe_hash)
);
CREATE TABLE IF NOT EXISTS quarantine (
	quarantine_id VARCHAR NOT NULL, 
	account VARCHAR NOT NULL, 
	received_at_ms BIGINT NOT NULL, 
	peer VARCHAR NOT NULL, 
	path VARCHAR NOT NULL, 
	"query" VARCHAR NOT NULL, 
	headers TEXT NOT NULL, 
	body BLOB NOT NULL, 
	size INTEGER NOT NULL, 
	reason VARCHAR NOT NULL, 
	PRIMARY KEY (quarantine_id)
);
CREATE INDEX IF NOT EXISTS quarantine_account ON quarantine (account, received_at_ms);
CREATE TABLE IF NOT EXISTS refused (
	account VARCHAR NOT NULL, 
	minute_ms BIGINT NOT NULL, 
	count INTEGER NOT NULL, 
	PRIMARY KEY (account, minute_ms)
);
CREATE TABLE IF NOT EXISTS sending (
	account VARCHAR NOT NULL, 
	provider_id VARCHAR NOT NULL, 
	outbox_id VARCHAR NOT NULL, 
	PRIMARY KEY (account, provider_id)
);
CREATE INDEX IF NOT EXISTS ix_sending_outbox_id ON sending (outbox_id);
CREATE TABLE IF NOT EXISTS session (
	token_hash VARCHAR NOT NULL, 
	agent_id VARCHAR NOT NULL, 
	begun_at_ms BIGINT NOT NULL, 
	expires_at_ms BIGINT NOT NULL, 
	ended_at_ms BIGINT NOT NULL, 
	PRIMARY KEY (token_hash)
);
CREATE INDEX IF NOT EXISTS ix_session_agent_id ON session (agent_id);
CREATE TABLE IF NOT EXISTS sighting (
	sighting_id VARCHAR NOT NULL, 
	channel VARCHAR NOT NULL, 
	account VARCHAR NOT NULL, 
	address_hash VARCHAR NOT NULL, 
	address_kind VARCHAR NOT NULL, 
	content_id VARCHAR NOT NULL, 
	received_at_ms BIGINT NOT NULL, 
	at_ms BIGINT NOT NULL, 
	traffic VARCHAR NOT NULL, 
	follows INTEGER NOT NULL, 
	became VARCHAR NOT NULL, 
	PRIMARY KEY (sighting_id)
);
CREATE INDEX IF NOT EXISTS sighting_waiting ON sighting (at_ms) WHERE became = '';
CREATE TABLE IF NOT EXISTS stream (
	site VARCHAR NOT NULL, 
	incarnation VARCHAR NOT NULL, 
	own INTEGER NOT NULL, 
	last_seq BIGINT NOT NULL, 
	last_at_ms BIGINT NOT NULL, 
	head_hash BLOB NOT NULL, 
	PRIMARY KEY (site, incarnation)
);
CREATE TABLE IF NOT EXISTS text_switch (
	scope VARCHAR NOT NULL, 
	is_off INTEGER NOT NULL, 
	since_ms BIGINT NOT NULL, 
	seq BIGINT NOT NULL, 
	agent_id VARCHAR NOT NULL, 
	reason VARCHAR NOT NULL, 
	PRIMARY KEY (scope)
);
CREATE TABLE IF NOT EXISTS ticket (
	ticket_hash VARCHAR NOT NULL, 
	agent_id VARCHAR NOT NULL, 
	session_hash VARCHAR NOT NULL, 
	expires_at_ms BIGINT NOT NULL, 
	PRIMARY KEY (ticket_hash)
);
CREATE INDEX IF NOT EXISTS ix_ticket_expires_at_ms ON ticket (expires_at_ms);
CREATE TABLE IF NOT EXISTS watch (
	watched VARCHAR NOT NULL, 
	channel VARCHAR NOT NULL, 
	through_ms BIGINT NOT NULL, 
	real_ms BIGINT NOT NULL, 
	probe_ms BIGINT NOT NULL, 
	problem VARCHAR NOT NULL, 
	trouble VARCHAR NOT NULL, 
	PRIMARY KEY (watched)
);
