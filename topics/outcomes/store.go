package outcomes

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// fileName is the index's file in its folder. SQLite adds -wal and -shm beside it.
const fileName = "outcomes.db"

// layout is the version of the tables. A file of another one is begun anew.
const layout = 1

// tables hold outcomes as they were written, in the order in which they were
// read: rows are added at the end of the file. What they are found by is a hash
// of the application, or of the message's id, in a table of its own: the one part
// that is written all over, so it is small, and its rows are added in its order.
// An outcome whose place another one has taken stays until it is too old.
const tables = `
BEGIN IMMEDIATE;
CREATE TABLE outcomes (
	row         INTEGER PRIMARY KEY,
	key         BLOB NOT NULL,    -- of the record
	application INTEGER NOT NULL, -- its term
	message     INTEGER NOT NULL, -- its term
	finished    INTEGER NOT NULL, -- Unix time in microseconds
	value       BLOB NOT NULL
) STRICT;
CREATE INDEX outcomes_finished ON outcomes (finished);
CREATE TABLE terms (
	term INTEGER NOT NULL,
	row  INTEGER NOT NULL,
	PRIMARY KEY (term, row)
) STRICT, WITHOUT ROWID;
CREATE TABLE positions (
	partition INTEGER PRIMARY KEY,
	next      INTEGER NOT NULL    -- offset to read next
) STRICT;
PRAGMA user_version = %d;
COMMIT;`

// store is the index on disk.
type store struct {
	file string
	open atomic.Pointer[sql.DB]
}

func (s *store) db() *sql.DB { return s.open.Load() }

// openStore opens the file in dir, made if need be. What cannot be read, or has
// another layout, is thrown away: the topic holds it all.
func openStore(dir string) (*store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("the folder of the index: %w", err)
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("the folder of the index: %w", err)
	}
	s := &store{file: filepath.Join(dir, fileName)}
	err = s.begin()
	if broken(err) || errors.Is(err, errLayout) {
		err = s.renew()
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// errLayout means that another version of the hub has made the file.
var errLayout = errors.New("the index has another layout")

func (s *store) begin() error {
	// A crash of the machine may cost the last writes, never the file; they are
	// read from the topic again.
	pragmas := url.Values{"_pragma": {"busy_timeout(10000)", "journal_mode(wal)", "synchronous(normal)", "cache_size(-8000)", "wal_autocheckpoint(4000)"}}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: filepath.ToSlash(s.file), RawQuery: pragmas.Encode()}).String())
	if err != nil {
		return fmt.Errorf("opening the index: %w", err)
	}
	db.SetMaxOpenConns(3) // one that writes, two that search; each has its cache
	db.SetMaxIdleConns(3)
	version := 0
	if err = db.QueryRow("PRAGMA user_version").Scan(&version); err == nil && version == 0 {
		_, err = db.Exec(fmt.Sprintf(tables, layout))
		version = layout
	}
	if err == nil && version != layout {
		err = errLayout
	}
	if err != nil {
		return errors.Join(fmt.Errorf("opening the index: %w", err), db.Close())
	}
	s.open.Store(db)
	return nil
}

// renew throws the file away and begins a new one.
func (s *store) renew() error {
	if db := s.db(); db != nil {
		_ = db.Close() // a search that runs fails
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(s.file + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("throwing a broken index away: %w", err)
		}
	}
	return s.begin()
}

func (s *store) close() error { return s.db().Close() }

// broken says whether the file is damaged.
func broken(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && (e.Code()&0xff == sqlite3.SQLITE_CORRUPT || e.Code()&0xff == sqlite3.SQLITE_NOTADB)
}
