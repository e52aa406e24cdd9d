-- What administrators need: users who are deleted while their sessions are still asked about, and a session's story.

-- Set: the user is gone, and with him his name, address and hash. What is left goes once no session names him.
ALTER TABLE user ADD COLUMN deleted_at INTEGER;

CREATE INDEX user_deleted ON user (id) WHERE deleted_at IS NOT NULL;

-- With the ended ones behind the live ones, where whoever logs in does not pass them: removing a user asks for both.
DROP INDEX session_user;
CREATE INDEX session_user ON session (user_id, ended_at);

CREATE INDEX event_session ON event (session_id, number) WHERE session_id IS NOT NULL;
