-- The layout of the rows that a close hashed. The column `centre` of `export costs` is now called `cost_center`. A
-- month closed before that keeps its old header, so its hash is still that of the file from `export costs --period`.

-- Which columns the hashed rows have: 1 has `centre`, 2 has `cost_center`. The program writes a closed month's rows,
-- and checks `rows_sha256`, in the layout of its close. Closes made before this column was there have layout 1.
ALTER TABLE period_closes ADD COLUMN row_layout INTEGER NOT NULL DEFAULT 1 CHECK (row_layout >= 1);
