-- Users, their sessions, the keys and what happened. Times are milliseconds since the Unix epoch. Text that is compared or
-- ordered is so by its bytes, whatever the locale of the database.

-- The word is reserved in SQL: without the quotes, it is the name of whoever is connected.
CREATE TABLE "user" (
    id                 uuid    NOT NULL PRIMARY KEY,
    username           text    COLLATE "C" NOT NULL UNIQUE,
    email              text    COLLATE "C" NOT NULL,
    password_hash      text    NOT NULL,
    credential_version bigint  NOT NULL,
    disabled           boolean NOT NULL,
    created_at         bigint  NOT NULL,
    -- Set: the user is gone, and with him his name, address and hash. What is left goes once no session names him.
    deleted_at         bigint
);

CREATE INDEX user_deleted ON "user" (id) WHERE deleted_at IS NOT NULL;

-- One row a login, however often its refresh token turns. Nothing that a rotation changes is indexed, and its page has room
-- for the row's next version: so a rotation touches no index, and the version before goes without a vacuum.
CREATE TABLE session (
    id          uuid     NOT NULL PRIMARY KEY,
    user_id     uuid     NOT NULL REFERENCES "user" (id),
    secret      bytea    NOT NULL CHECK (length(secret) = 32),
    generation  bigint   NOT NULL CHECK (generation BETWEEN 0 AND 4294967295),
    rotated_at  bigint   NOT NULL,
    created_at  bigint   NOT NULL,
    expires_at  bigint   NOT NULL,
    remember_me boolean  NOT NULL,
    -- The SHA-256 thumbprint (RFC 7638) of the key that a session is bound to; none: whoever has its token may use it.
    jkt         bytea    CHECK (length(jkt) = 32),
    -- 0: its refresh tokens travel in bodies, 1: in a cookie.
    delivery    smallint NOT NULL CHECK (delivery IN (0, 1)),
    ended_at    bigint,
    end_reason  smallint,
    -- UTF-8, in which a client may have put what `text` cannot hold.
    device      bytea    NOT NULL,
    -- The permissions that the login asked for, separated by spaces; NULL: all that the user has.
    scope       text,
    CHECK ((ended_at IS NULL) = (end_reason IS NULL))
) WITH (fillfactor = 60);

-- The live ones, which have no time of their end, are together: whoever logs in does not pass the others.
CREATE INDEX session_of_user ON session (user_id, ended_at);

-- The secret of a key is sealed under the master key, which is never in here.
CREATE TABLE key (
    purpose    text   COLLATE "C" NOT NULL CHECK (purpose IN ('signing', 'refresh_tag')),
    id         text   COLLATE "C" NOT NULL,
    algorithm  text   CHECK (algorithm IN ('EdDSA', 'ES256', 'RS256')),
    state      text   NOT NULL CHECK (state IN ('announced', 'active', 'retired', 'compromised')),
    since      bigint NOT NULL,
    until      bigint,
    master_key bytea  NOT NULL,
    sealed     bytea  NOT NULL,
    PRIMARY KEY (purpose, id),
    CHECK ((purpose = 'signing') = (algorithm IS NOT NULL)),
    CHECK (state = 'active' OR (state = 'retired') = (until IS NOT NULL))
);

CREATE TABLE key_table (
    only_row integer NOT NULL PRIMARY KEY CHECK (only_row = 1),
    version  bigint  NOT NULL
);

INSERT INTO key_table VALUES (1, 0);

CREATE TABLE role (
    name        text   COLLATE "C" NOT NULL PRIMARY KEY,
    permissions text   NOT NULL,
    version     bigint NOT NULL
);

CREATE TABLE role_table (
    only_row integer NOT NULL PRIMARY KEY CHECK (only_row = 1),
    version  bigint  NOT NULL
);

INSERT INTO role_table VALUES (1, 0);

CREATE TABLE user_role (
    user_id uuid NOT NULL REFERENCES "user" (id),
    role    text COLLATE "C" NOT NULL REFERENCES role (name),
    PRIMARY KEY (user_id, role)
);

CREATE INDEX user_role_role ON user_role (role);

-- One-time codes for a new password: of each its hash, and no user has two. What one may replace is the password of that
-- credential version and no later one.
CREATE TABLE reset_code (
    user_id    uuid    NOT NULL PRIMARY KEY REFERENCES "user" (id),
    digest     bytea   NOT NULL CHECK (length(digest) = 32),
    replaces   bigint  NOT NULL,
    expires_at bigint  NOT NULL,
    failures   integer NOT NULL
);

-- Failed logins are counted and not listed, so that a flood of them cannot fill the disk. An unknown name has the user of
-- sixteen zero bytes.
CREATE TABLE failed_login (
    hour    bigint NOT NULL,
    user_id uuid   NOT NULL,
    address text   COLLATE "C" NOT NULL,
    count   bigint NOT NULL,
    PRIMARY KEY (hour, user_id, address)
);

-- Failed logins of the hours before this one are in the record.
CREATE TABLE failed_login_record (
    only_row integer NOT NULL PRIMARY KEY CHECK (only_row = 1),
    hour     bigint  NOT NULL
);

INSERT INTO failed_login_record VALUES (1, 0);

-- The record: numbers are given under a lock, in the order of commits and without gaps.
CREATE TABLE event (
    number     bigint NOT NULL PRIMARY KEY,
    at         bigint NOT NULL,
    name       text   COLLATE "C" NOT NULL,
    user_id    uuid   NOT NULL,
    session_id uuid,
    address    text,
    agent      text,
    detail     text
);

CREATE INDEX event_user ON event (user_id, number);
CREATE INDEX event_session ON event (session_id, number) WHERE session_id IS NOT NULL;

-- For looking up what is rare. What every login writes is easily found without, and must not pay for it.
CREATE INDEX event_rare ON event (name, number)
    WHERE name NOT IN ('session.opened', 'session.ended', 'user.registered');

-- The record is added to and otherwise left alone, and sealed: a head says what the hash of the record is after its row
-- `number`, and is signed. `links` has the first 8 bytes of the hash of each row since the head before, but for the last.
CREATE TABLE event_head (
    number    bigint NOT NULL PRIMARY KEY CHECK (number > 0),
    at        bigint NOT NULL,
    hash      bytea  NOT NULL CHECK (length(hash) = 32),
    links     bytea  NOT NULL CHECK (length(links) % 8 = 0),
    algorithm text   NOT NULL CHECK (algorithm IN ('EdDSA', 'ES256', 'RS256')),
    key_id    text   NOT NULL,
    signature bytea  NOT NULL
);

-- When rows of the record were sealed says where in it a time is.
CREATE INDEX event_head_at ON event_head (at);

CREATE FUNCTION refuse_to_change_the_record() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the record is added to and otherwise left alone'; END $$;

CREATE TRIGGER event_stays BEFORE UPDATE OR DELETE ON event
    FOR EACH ROW EXECUTE FUNCTION refuse_to_change_the_record();
CREATE TRIGGER event_head_stays BEFORE UPDATE OR DELETE ON event_head
    FOR EACH ROW EXECUTE FUNCTION refuse_to_change_the_record();

-- What was revoked, in one order: exactly one of a session, the access tokens of a session up to a generation, or a signing
-- key.
CREATE TABLE revocation (
    sequence   bigint NOT NULL PRIMARY KEY,
    session_id uuid,
    generation bigint CHECK (generation BETWEEN 0 AND 4294967295),
    kid        text,
    until      bigint NOT NULL,
    CHECK ((session_id IS NULL) = (kid IS NOT NULL)),
    CHECK (generation IS NULL OR session_id IS NOT NULL)
);

CREATE INDEX revocation_until ON revocation (until);

-- Whoever is shown an access token asks for this alone: that a session is over, its own row says.
CREATE INDEX revocation_generation ON revocation (session_id) WHERE generation IS NOT NULL;

-- `epoch` names the timeline of sequences. `swept` is the newest that was ever removed. `access` is how long access tokens
-- live, in milliseconds, and `former_until` when the last has ended that was made to live longer.
CREATE TABLE revocation_feed (
    only_row     integer NOT NULL PRIMARY KEY CHECK (only_row = 1),
    epoch        text    NOT NULL,
    swept        bigint  NOT NULL,
    access       bigint  NOT NULL,
    former_until bigint  NOT NULL
);

INSERT INTO revocation_feed VALUES (1, left(replace(gen_random_uuid()::text, '-', ''), 16), 0, 0, 0);

-- The resource servers that may follow it. Of a credential its SHA-256 is kept, which opens nothing.
CREATE TABLE resource_server (
    name       text   COLLATE "C" NOT NULL PRIMARY KEY,
    hash       bytea  NOT NULL UNIQUE CHECK (length(hash) = 32),
    created_at bigint NOT NULL
);

-- Which node does a piece of background work, and until when the others leave it to that one.
CREATE TABLE background (
    work  text        NOT NULL PRIMARY KEY,
    node  text        NOT NULL,
    until timestamptz NOT NULL
);
