-- The record of events is added to and otherwise left alone, and sealed: a head says what the hash of the record is after its
-- row `number`, and is signed. `links` has the first 8 bytes of the hash of each row since the head before, but for the last.

CREATE TABLE event_head (
    number    INTEGER NOT NULL PRIMARY KEY CHECK (number > 0),
    at        INTEGER NOT NULL,
    hash      BLOB    NOT NULL CHECK (length(hash) = 32),
    links     BLOB    NOT NULL CHECK (length(links) % 8 = 0),
    algorithm TEXT    NOT NULL CHECK (algorithm IN ('EdDSA', 'ES256', 'RS256')),
    key_id    TEXT    NOT NULL,
    signature BLOB    NOT NULL
) STRICT;

CREATE TRIGGER event_stays BEFORE DELETE ON event
BEGIN SELECT RAISE(ABORT, 'events are not removed'); END;

CREATE TRIGGER event_stays_as_it_is BEFORE UPDATE ON event
BEGIN SELECT RAISE(ABORT, 'events are not changed'); END;

CREATE TRIGGER event_head_stays BEFORE DELETE ON event_head
BEGIN SELECT RAISE(ABORT, 'heads are not removed'); END;

CREATE TRIGGER event_head_stays_as_it_is BEFORE UPDATE ON event_head
BEGIN SELECT RAISE(ABORT, 'heads are not changed'); END;

-- When rows of the record were sealed says where in it a time is.
CREATE INDEX event_head_at ON event_head (at);

-- For looking up what is rare. What every login writes is easily found without, and must not pay for it.
CREATE INDEX event_rare ON event (name) WHERE name NOT IN ('session.opened', 'session.ended', 'user.registered');

-- Failed logins of the hours before this one are in the record.
CREATE TABLE failed_login_record (
    only_row INTEGER NOT NULL PRIMARY KEY CHECK (only_row = 1),
    hour     INTEGER NOT NULL
) STRICT;

INSERT INTO failed_login_record SELECT 1, coalesce(max(hour), 0) FROM failed_login;
