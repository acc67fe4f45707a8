-- The terms of a closed month: settings that its credits, its FOCUS charges and its HTML page depend on.
ALTER TABLE period_closes ADD COLUMN
    -- The plan, the purchased credits, the invoice issuers and the accounts, as a JSON object whose `layout` says which
    -- keys it has; NULL: an earlier version closed the month and froze none.
    terms TEXT CHECK (terms IS NULL OR json_valid(terms));

ALTER TABLE period_closes ADD COLUMN
    -- SHA-256 of `terms`; NULL: there are none.
    terms_sha256 BLOB CHECK ((terms IS NULL) = (terms_sha256 IS NULL)
                             AND (terms_sha256 IS NULL OR length(terms_sha256) = 32));

ALTER TABLE period_closes ADD COLUMN
    -- Who closed the month, as given with `--by`; NULL: not given.
    closed_by TEXT;

ALTER TABLE period_closes ADD COLUMN
    -- A remark, as given with `--note`; NULL: not given.
    note TEXT;
