-- The schema of the store on SQLite.
-- Made from migration/src by a test, which also compares it: do not edit.

-- Networks that may come in or not, by operators and by bans.
CREATE TABLE address_rules (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    cidr TEXT NOT NULL,
    scope TEXT NOT NULL,
    action TEXT NOT NULL,
    source TEXT NOT NULL,
    reason TEXT NOT NULL,
    strikes INTEGER NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT
);
CREATE INDEX address_rules_expires ON address_rules (expires_at)
    WHERE expires_at IS NOT NULL;
CREATE UNIQUE INDEX address_rules_network ON address_rules (cidr, scope);

-- What has happened to accounts and settings, for operators; ids of deleted accounts are emptied.
CREATE TABLE audit (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    at BIGINT NOT NULL,
    event TEXT NOT NULL,
    actor_kind TEXT NOT NULL,
    actor_id INTEGER,
    subject_id INTEGER,
    network TEXT,
    detail TEXT
);
CREATE INDEX audit_actor ON audit (actor_id, id)
    WHERE actor_id IS NOT NULL;
CREATE INDEX audit_subject ON audit (subject_id, id)
    WHERE subject_id IS NOT NULL;

-- Which user has blocked which.
CREATE TABLE blocks (
    user_id INTEGER NOT NULL,
    other_id INTEGER NOT NULL,
    PRIMARY KEY (user_id, other_id)
) WITHOUT ROWID;
CREATE INDEX blocks_other ON blocks (other_id);

-- The ciphertexts of messages; overwritten with zeros when a message is gone.
CREATE TABLE bodies (
    id INTEGER NOT NULL PRIMARY KEY,
    sender_copy BLOB NOT NULL,
    receiver_copy BLOB NOT NULL
);

-- The time by the clock, while time stamps were ahead of it.
CREATE TABLE clock_marks (
    clock BIGINT NOT NULL PRIMARY KEY,
    committed_at BIGINT NOT NULL
) WITHOUT ROWID;

-- Pairs of users who have written to each other, with their newest message.
CREATE TABLE "conversations" (
    "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    "direct_key" integer NOT NULL,
    "newest_message_id" integer
);
CREATE UNIQUE INDEX "conversations_direct_key" ON "conversations" ("direct_key");

-- Devices from which a login has opened a socket; for the list of logins.
CREATE TABLE devices (
    login_id BIGINT NOT NULL REFERENCES logins (id) ON DELETE CASCADE,
    device_id TEXT NOT NULL,
    PRIMARY KEY (login_id, device_id)
) WITHOUT ROWID;

-- Deleted accounts whose access tokens may still look valid.
CREATE TABLE ended_users (
    user_id INTEGER NOT NULL PRIMARY KEY,
    until BIGINT NOT NULL
);

-- What devices must learn besides messages and receipts, by user and seq; user 0 is everybody.
CREATE TABLE events (
    user_id INTEGER NOT NULL,
    seq BIGINT NOT NULL,
    kind SMALLINT NOT NULL,
    subject BIGINT NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (user_id, seq)
) WITHOUT ROWID;
CREATE INDEX events_about ON events (subject)
    WHERE kind IN (5, 7, 8);
CREATE INDEX events_seq ON events (seq);

-- Invites for registration; of a code only a hash and its first characters.
CREATE TABLE invites (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    hash BLOB NOT NULL,
    code_begins TEXT NOT NULL,
    uses INTEGER NOT NULL,
    uses_left INTEGER NOT NULL,
    bound_to TEXT,
    bound_key TEXT,
    note TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT,
    used_at BIGINT,
    used_by INTEGER REFERENCES users (id) ON DELETE SET NULL
);
CREATE INDEX invites_bound ON invites (bound_key)
    WHERE bound_key IS NOT NULL;
CREATE UNIQUE INDEX invites_hash ON invites (hash);
CREATE INDEX invites_used_by ON invites (used_by)
    WHERE used_by IS NOT NULL;

-- Networks from which users have logged in, as tags that reveal no address.
CREATE TABLE known_networks (
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    tag BLOB NOT NULL,
    network_tag BLOB NOT NULL,
    last_ok_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, tag)
) WITHOUT ROWID;
CREATE INDEX known_networks_network ON known_networks (network_tag);
CREATE INDEX known_networks_old ON known_networks (last_ok_at);

-- Logins that wait for a code of the second factor, by the hash of what they show.
CREATE TABLE login_challenges (
    hash BLOB NOT NULL PRIMARY KEY,
    user_id INTEGER NOT NULL REFERENCES second_factors (user_id) ON DELETE CASCADE,
    proof BLOB NOT NULL,
    tries_left INTEGER NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX login_challenges_expires ON login_challenges (expires_at);
CREATE INDEX login_challenges_user ON login_challenges (user_id);

-- Logins: what one sign-in has made. REST paths call them sessions.
CREATE TABLE "logins" (
    "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    "user_id" integer NOT NULL,
    "created_at" integer NOT NULL,
    "last_used_at" integer NOT NULL,
    "expires_at" integer NOT NULL,
    "ended_at" integer,
    dialect SMALLINT NOT NULL DEFAULT 0,
    second_factor BOOLEAN NOT NULL DEFAULT FALSE,
    network TEXT,
    FOREIGN KEY ("user_id") REFERENCES "users" ("id") ON DELETE CASCADE
);
CREATE INDEX "logins_ended" ON "logins" ("ended_at");
CREATE INDEX logins_expires ON logins (expires_at, id);
CREATE INDEX logins_live ON logins (user_id, last_used_at)
    WHERE ended_at IS NULL;
CREATE INDEX "logins_user" ON "logins" ("user_id");

-- Files that clients have uploaded: size, owner, how far they have come; no content.
CREATE TABLE media (
    id BLOB NOT NULL PRIMARY KEY,
    owner_id INTEGER REFERENCES users (id) ON DELETE SET NULL,
    size BIGINT NOT NULL,
    received BIGINT NOT NULL,
    state SMALLINT NOT NULL,
    sha256 BLOB,
    metadata TEXT,
    client_key TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    lost_at BIGINT,
    store TEXT NOT NULL,
    upload TEXT,
    lease BIGINT,
    lease_until BIGINT,
    lease_wanted BOOLEAN NOT NULL DEFAULT FALSE
) WITHOUT ROWID;
CREATE UNIQUE INDEX media_client_key ON media (owner_id, client_key)
    WHERE client_key IS NOT NULL;
CREATE INDEX media_deleting ON media (id)
    WHERE state = 4;
CREATE INDEX media_expires ON media (expires_at)
    WHERE expires_at IS NOT NULL;
CREATE INDEX media_open ON media (state)
    WHERE state < 2;
CREATE INDEX media_owner ON media (owner_id, state, expires_at, lost_at, size);

-- Which messages name which files: a file is kept while a message does.
CREATE TABLE media_refs (
    message_id BIGINT NOT NULL,
    position SMALLINT NOT NULL,
    media_id BLOB NOT NULL REFERENCES media (id) ON DELETE CASCADE,
    PRIMARY KEY (message_id, position)
) WITHOUT ROWID;
CREATE INDEX media_refs_media ON media_refs (media_id);

-- Each side of a conversation: unread count, and how far it has read and received.
CREATE TABLE "members" (
    "user_id" integer NOT NULL,
    "conversation_id" integer NOT NULL,
    unread BIGINT NOT NULL DEFAULT 0,
    newest_inbound BIGINT,
    read_id BIGINT NOT NULL DEFAULT 0,
    delivered_id BIGINT NOT NULL DEFAULT 0,
    shown_id BIGINT NOT NULL DEFAULT 0,
    read_seq BIGINT NOT NULL DEFAULT 0,
    read_at BIGINT NOT NULL DEFAULT 0,
    shown_seq BIGINT NOT NULL DEFAULT 0,
    shown_at BIGINT NOT NULL DEFAULT 0,
    delivered_seq BIGINT NOT NULL DEFAULT 0,
    delivered_at BIGINT NOT NULL DEFAULT 0,
    quiet_from BIGINT,
    quiet_to BIGINT,
    PRIMARY KEY ("user_id", "conversation_id")
);
CREATE INDEX members_conversation ON members (conversation_id);

-- The log of messages in commit order. id is seq. A gone message leaves its row as a tombstone.
CREATE TABLE "messages" (
    "id" integer NOT NULL PRIMARY KEY,
    "conversation_id" integer NOT NULL,
    "sender_id" integer NOT NULL,
    "receiver_id" integer NOT NULL,
    "message_type" text NOT NULL,
    "timestamp" integer NOT NULL,
    client_id TEXT,
    content_hash BLOB,
    reply_to BIGINT,
    expires_at BIGINT,
    sender_gone BIGINT,
    receiver_gone BIGINT,
    gone_seq BIGINT,
    gone_how SMALLINT NOT NULL DEFAULT 0,
    franking_tag TEXT,
    attachments TEXT
);
CREATE UNIQUE INDEX messages_client ON messages (client_id, sender_id)
    WHERE client_id IS NOT NULL;
CREATE INDEX messages_conversation ON messages (conversation_id, timestamp)
    WHERE gone_seq IS NULL AND sender_gone IS NULL AND receiver_gone IS NULL;
CREATE INDEX messages_conversation_expires ON messages (conversation_id, expires_at)
    WHERE expires_at IS NOT NULL;
CREATE INDEX messages_expires ON messages (expires_at)
    WHERE expires_at IS NOT NULL;
CREATE INDEX messages_gone ON messages (gone_seq)
    WHERE gone_seq IS NOT NULL;
CREATE INDEX messages_gone_conversation ON messages (conversation_id)
    WHERE gone_seq IS NOT NULL AND gone_how <> 4;
CREATE INDEX messages_left
    ON messages
    (conversation_id, (CASE WHEN sender_gone IS NULL THEN sender_id ELSE receiver_id END), timestamp)
    WHERE gone_seq IS NULL AND (sender_gone IS NOT NULL OR receiver_gone IS NOT NULL);
CREATE INDEX messages_unreleased ON messages (id)
    WHERE gone_seq IS NOT NULL AND attachments IS NOT NULL;

-- What names look like, so that no new name can be mistaken for an old one.
CREATE TABLE name_skeletons (
    skeleton BLOB NOT NULL,
    twin INTEGER NOT NULL,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (skeleton, twin)
) WITHOUT ROWID;
CREATE INDEX name_skeletons_twins ON name_skeletons (user_id)
    WHERE twin <> 0;
CREATE INDEX name_skeletons_user ON name_skeletons (user_id);

-- Accounts with names that would be refused today.
CREATE TABLE odd_names (
    user_id INTEGER NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    reason TEXT NOT NULL
);

-- Tokens of operators' programs; of each only its id and a hash.
CREATE TABLE operator_tokens (
    id BIGINT NOT NULL PRIMARY KEY,
    hash BLOB NOT NULL,
    name TEXT NOT NULL,
    scope TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    last_used_at BIGINT
);

-- Requests that were made to wake devices, and what came of them; no token.
CREATE TABLE push_attempts (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    device_id TEXT NOT NULL,
    at BIGINT NOT NULL,
    from_seq BIGINT NOT NULL,
    to_seq BIGINT NOT NULL,
    provider SMALLINT NOT NULL,
    outcome SMALLINT NOT NULL,
    status INTEGER,
    reason TEXT,
    provider_id TEXT,
    took_ms INTEGER NOT NULL
);
CREATE INDEX push_attempts_at ON push_attempts (at);
CREATE INDEX push_attempts_device ON push_attempts (user_id, device_id, id);

-- Devices that are registered to be woken: where, and what they are owed.
CREATE TABLE push_targets (
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    device_id TEXT NOT NULL,
    login_id BIGINT NOT NULL REFERENCES logins (id) ON DELETE CASCADE,
    provider SMALLINT NOT NULL,
    token TEXT NOT NULL,
    token_hash BLOB NOT NULL,
    p256dh BLOB,
    auth BLOB,
    topic TEXT,
    environment INTEGER NOT NULL DEFAULT 0,
    style INTEGER NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    suspended BOOLEAN NOT NULL DEFAULT FALSE,
    reason TEXT,
    acked_seq BIGINT NOT NULL,
    acked_at BIGINT NOT NULL,
    seen_at BIGINT,
    owed_seq BIGINT,
    owed_urgent BOOLEAN NOT NULL DEFAULT FALSE,
    owed_since BIGINT,
    due_at BIGINT,
    attempts INTEGER NOT NULL DEFAULT 0,
    wake_id TEXT,
    woken_seq BIGINT NOT NULL DEFAULT 0,
    woken_at BIGINT,
    unanswered INTEGER NOT NULL DEFAULT 0,
    lease_node BIGINT,
    lease_until BIGINT,
    PRIMARY KEY (user_id, device_id)
) WITHOUT ROWID;
CREATE INDEX push_targets_acked ON push_targets (acked_at);
CREATE INDEX push_targets_due ON push_targets (due_at)
    WHERE due_at IS NOT NULL;
CREATE INDEX push_targets_login ON push_targets (login_id);
CREATE UNIQUE INDEX push_targets_token ON push_targets (provider, token_hash);

-- Keyed hashes of recovery codes that were not used.
CREATE TABLE recovery_codes (
    user_id INTEGER NOT NULL REFERENCES second_factors (user_id) ON DELETE CASCADE,
    hash BLOB NOT NULL,
    PRIMARY KEY (user_id, hash)
);

-- Hashes of refresh tokens, and of those that they have replaced.
CREATE TABLE "refresh_tokens" (
    "hash" blob(32) NOT NULL PRIMARY KEY,
    "login_id" integer NOT NULL,
    "expires_at" integer NOT NULL,
    "spent_at" integer,
    "successor_salt" blob(32),
    FOREIGN KEY ("login_id") REFERENCES "logins" ("id") ON DELETE CASCADE
);
CREATE INDEX refresh_tokens_expires ON refresh_tokens (expires_at);
CREATE INDEX "refresh_tokens_login" ON "refresh_tokens" ("login_id", "expires_at");

-- Messages that users have reported, and what they disclose of them.
CREATE TABLE reports (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    reporter_id INTEGER REFERENCES users (id) ON DELETE SET NULL,
    subject_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    message_id BIGINT NOT NULL,
    sent_at BIGINT NOT NULL,
    level TEXT NOT NULL,
    reason TEXT NOT NULL,
    note TEXT NOT NULL,
    plaintext TEXT,
    state TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    decided_at BIGINT,
    decided_by TEXT,
    decision_note TEXT
);
CREATE INDEX reports_disclosed ON reports (id)
    WHERE plaintext IS NOT NULL;
CREATE UNIQUE INDEX reports_once ON reports (reporter_id, message_id);
CREATE INDEX reports_subject ON reports (subject_id);

-- The migrations that were applied.
CREATE TABLE "seaql_migrations" (
    "version" varchar NOT NULL PRIMARY KEY,
    "applied_at" integer NOT NULL
);

-- Encrypted secrets of authenticator apps.
CREATE TABLE second_factors (
    user_id INTEGER NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    secret BLOB NOT NULL,
    last_step BIGINT NOT NULL,
    enrolled_at BIGINT,
    expires_at BIGINT
);

-- One row: the epoch, the newest seq and time stamp, and versions of derived data.
CREATE TABLE "store" (
    "id" integer NOT NULL PRIMARY KEY,
    "epoch" text NOT NULL,
    "last_seq" integer NOT NULL,
    "clock" integer NOT NULL,
    dropped BIGINT NOT NULL DEFAULT 0,
    retained_from BIGINT NOT NULL DEFAULT 0,
    rules BIGINT NOT NULL DEFAULT 0,
    names_version INTEGER NOT NULL DEFAULT 0,
    marked_at BIGINT NOT NULL DEFAULT 0,
    instance_check TEXT
);

-- How many messages of each user are in the store, while there is a quota.
CREATE TABLE stored_messages (
    user_id INTEGER NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    count BIGINT NOT NULL
);

-- Retention runs whose messages are still to be destroyed.
CREATE TABLE sweeps (
    seq BIGINT NOT NULL PRIMARY KEY,
    before BIGINT NOT NULL
);

-- Settings that operators have switched while servers run.
CREATE TABLE switches (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL,
    switched_at BIGINT NOT NULL
);

-- Hashes of socket tickets.
CREATE TABLE "tickets" (
    "hash" blob(32) NOT NULL PRIMARY KEY,
    "user_id" integer NOT NULL,
    "login_id" integer NOT NULL,
    "expires_at" integer NOT NULL,
    FOREIGN KEY ("login_id") REFERENCES "logins" ("id") ON DELETE CASCADE
);
CREATE INDEX "tickets_expires_at" ON "tickets" ("expires_at");
CREATE INDEX "tickets_login" ON "tickets" ("login_id");

-- Pieces of names, and the users who have them: the index of the search for users.
CREATE TABLE user_grams (
    gram BIGINT NOT NULL,
    block INTEGER NOT NULL,
    users BLOB NOT NULL,
    PRIMARY KEY (gram, block)
) WITHOUT ROWID;

-- What operators have set for single users in place of the limits of all.
CREATE TABLE user_limits (
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    limiter TEXT NOT NULL,
    burst BIGINT NOT NULL,
    every_us BIGINT NOT NULL,
    PRIMARY KEY (user_id, limiter)
);

-- Accounts: names, addresses, password hashes, public keys, settings.
CREATE TABLE "users" (
    "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    "name" text NOT NULL,
    "name_key" text NOT NULL,
    "email" text NOT NULL,
    "email_key" text NOT NULL,
    "password_hash" text NOT NULL,
    "public_key" text NOT NULL,
    "created_at" integer NOT NULL,
    presence BOOLEAN NOT NULL DEFAULT TRUE,
    read_receipts BOOLEAN NOT NULL DEFAULT TRUE,
    disabled_at BIGINT
);
CREATE UNIQUE INDEX "users_email_key" ON "users" ("email_key");
CREATE UNIQUE INDEX "users_name_key" ON "users" ("name_key");

-- Conversations of deleted accounts whose messages are still to be destroyed.
CREATE TABLE wipes (
    conversation_id BIGINT NOT NULL PRIMARY KEY,
    user_id INTEGER NOT NULL,
    seq BIGINT NOT NULL
);
