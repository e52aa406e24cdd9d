-- The SHA-256 thumbprint (RFC 7638) of the key that a session is bound to; none: whoever has its token may use it.
ALTER TABLE session ADD COLUMN jkt BLOB CHECK (jkt IS NULL OR length(jkt) = 32);

-- Nothing could bind a session until now.
ALTER TABLE session DROP COLUMN bound;

-- 0: its refresh tokens travel in bodies, 1: in a cookie.
ALTER TABLE session ADD COLUMN delivery INTEGER NOT NULL DEFAULT 0 CHECK (delivery IN (0, 1));
