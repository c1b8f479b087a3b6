/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store - the SQL statements behind store.h
 */
#include "local/registry/io/store.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/kube/client/object.h"

enum { TRIM_EVERY = 64 };

/* clang-format off */
#define STATEMENTS(X)                                                                              \
	X(BEGIN,  "BEGIN IMMEDIATE")                                                                   \
	X(COMMIT, "COMMIT")                                                                            \
	X(ABORT,  "ROLLBACK")                                                                          \
	X(GET,    "SELECT body FROM objects WHERE type=?1 AND ns=?2 AND name=?3")                      \
	X(PUT,    "INSERT INTO objects(type,ns,name,uid,revision,body) VALUES(?1,?2,?3,?4,?5,?6) "     \
	          "ON CONFLICT(type,ns,name) DO UPDATE SET uid=?4, revision=?5, body=?6")              \
	X(DELETE, "DELETE FROM objects WHERE type=?1 AND ns=?2 AND name=?3")                           \
	X(PREVIOUS, "SELECT revision FROM objects WHERE type=?1 AND ns=?2 AND name=?3")                \
	X(CHANGE, "INSERT INTO changes(revision,type,event,previous,body) VALUES(?1,?2,?3,?4,?5)")     \
	X(TRIM,   "DELETE FROM changes WHERE revision <= ?1")                                          \
	X(DISOWN, "DELETE FROM owners WHERE uid=?1")                                                   \
	X(OWN,    "INSERT OR IGNORE INTO owners(owner,uid) VALUES(?1,?2)")                             \
	X(LIST,   "SELECT body FROM objects WHERE type=?1 AND (ns,name) > (?2,?3) "                    \
	          "ORDER BY ns,name LIMIT ?4")                                                         \
	X(LIST_NS, "SELECT body FROM objects WHERE type=?1 AND ns=?2 AND name > ?3 "                   \
	          "ORDER BY name LIMIT ?4")                                                            \
	X(COUNT,  "SELECT count(*) FROM objects WHERE type=?1 AND (?2='' OR ns=?2)")                   \
	X(REPLAY, "SELECT c.revision, c.event, c.body, p.body FROM changes c "                         \
	          "LEFT JOIN changes p ON p.revision=c.previous "                                      \
	          "WHERE c.revision > ?1 AND c.type=?2 ORDER BY c.revision")                           \
	X(DEPENDENT, "SELECT o.body FROM owners w JOIN objects o ON o.uid=w.uid "                      \
	          "WHERE w.owner=?1 AND w.uid > ?2 ORDER BY w.uid LIMIT 1")                            \
	X(HAS_UID, "SELECT 1 FROM objects WHERE uid=?1")                                               \
	X(GET_UID, "SELECT body FROM objects WHERE uid=?1")                                            \
	X(GC,     "SELECT DISTINCT owner FROM owners UNION SELECT uid FROM objects "                   \
	          "WHERE json_extract(body,'$.metadata.deletionTimestamp') IS NOT NULL")               \
	X(IN_NS,  "SELECT body FROM objects WHERE ns=?1 AND uid > ?2 ORDER BY uid LIMIT 1")
/* clang-format on */

enum statement {
#define X(name, sql) ST_##name,
	STATEMENTS(X)
#undef X
	        STATEMENTS_COUNT
};

static const char *const statement_texts[] = {
#define X(name, sql) sql,
        STATEMENTS(X)
#undef X
};

static const char schema_sql[] =
        "CREATE TABLE IF NOT EXISTS objects("
        " type TEXT NOT NULL, ns TEXT NOT NULL, name TEXT NOT NULL, uid TEXT NOT NULL,"
        " revision INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY(type,ns,name)) WITHOUT ROWID;"
        "CREATE UNIQUE INDEX IF NOT EXISTS objects_uid ON objects(uid);"
        "CREATE INDEX IF NOT EXISTS objects_ns ON objects(ns,uid);"
        "CREATE TABLE IF NOT EXISTS changes("
        " revision INTEGER PRIMARY KEY, type TEXT NOT NULL, event INTEGER NOT NULL,"
        " previous INTEGER, body TEXT NOT NULL);"
        "CREATE TABLE IF NOT EXISTS owners("
        " owner TEXT NOT NULL, uid TEXT NOT NULL, PRIMARY KEY(owner,uid)) WITHOUT ROWID;"
        "CREATE INDEX IF NOT EXISTS owners_uid ON owners(uid);";

struct store {
	sqlite3 *db;
	sqlite3_stmt *statements[STATEMENTS_COUNT];
	uint64_t revision;
	uint64_t floor;
	uint32_t change_log_max;
};

static int store_err(struct store *s, const char *what, struct err *err)
{
	int code = sqlite3_errcode(s->db) & 0xff;

	return err_set(err, ERR_SYS, code == SQLITE_FULL ? ENOSPC : EIO, "state file: %s: %s", what,
	               sqlite3_errmsg(s->db));
}

static void bind_text(sqlite3_stmt *st, int index, const char *text)
{
	(void)sqlite3_bind_text(st, index, text, -1, SQLITE_STATIC);
}

static sqlite3_stmt *statement_with_key(struct store *s, enum statement which,
                                        const struct store_key *key)
{
	sqlite3_stmt *st = s->statements[which];

	bind_text(st, 1, key->type);
	bind_text(st, 2, key->ns);
	bind_text(st, 3, key->name);
	return st;
}

static json_t *column_json(sqlite3_stmt *st, int column)
{
	const char *text = (const char *)sqlite3_column_text(st, column);

	return text ? json_loadb(text, (size_t)sqlite3_column_bytes(st, column), 0, NULL) : NULL;
}

/* One step of a statement that gives no rows; it is reset in any case. */
static int run(struct store *s, sqlite3_stmt *st, const char *what, struct err *err)
{
	int code = sqlite3_step(st);
	int result = code == SQLITE_DONE || code == SQLITE_ROW ? 0 : store_err(s, what, err);

	(void)sqlite3_reset(st);
	return result;
}

static int query_u64(struct store *s, const char *sql, uint64_t *ret_value)
{
	sqlite3_stmt *st = NULL;
	bool found = sqlite3_prepare_v2(s->db, sql, -1, &st, NULL) == SQLITE_OK &&
	             sqlite3_step(st) == SQLITE_ROW;

	if (found)
		*ret_value = (uint64_t)sqlite3_column_int64(st, 0);
	(void)sqlite3_finalize(st);
	return found ? 0 : -1;
}

static bool is_sound(struct store *s)
{
	sqlite3_stmt *st = NULL;
	bool sound = false;

	if (sqlite3_prepare_v2(s->db, "PRAGMA quick_check(1)", -1, &st, NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW)
		sound = strcmp((const char *)sqlite3_column_text(st, 0), "ok") == 0;
	(void)sqlite3_finalize(st);
	return sound;
}

static const char revision_sql[] = "SELECT max(coalesce((SELECT max(revision) FROM changes),0),"
                                   "coalesce((SELECT max(revision) FROM objects),0))";
static const char floor_sql[] = "SELECT coalesce((SELECT min(revision)-1 FROM changes),0)";

static int store_prepare(struct store *s, struct err *err)
{
	if (query_u64(s, revision_sql, &s->revision) < 0 || query_u64(s, floor_sql, &s->floor) < 0)
		return store_err(s, "revision", err);
	for (size_t i = 0; i < STATEMENTS_COUNT; i++) {
		if (sqlite3_prepare_v3(s->db, statement_texts[i], -1, SQLITE_PREPARE_PERSISTENT,
		                       &s->statements[i], NULL) != SQLITE_OK)
			return store_err(s, statement_texts[i], err);
	}
	return 0;
}

int store_open(const char *path, uint32_t change_log_max, struct store **ret_store, struct err *err)
{
	struct store *s = calloc(1, sizeof *s);
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;

	if (s == NULL)
		return err_set(err, ERR_NOMEM, 0, "store");
	s->change_log_max = change_log_max;
	if (sqlite3_open_v2(path, &s->db, flags, NULL) != SQLITE_OK) {
		err_set(err, ERR_SYS, 0, "%s: %s", path, sqlite3_errmsg(s->db));
		store_close(s);
		return -1;
	}
	(void)sqlite3_busy_timeout(s->db, 2000);
	(void)sqlite3_exec(s->db,
	                   "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
	                   "PRAGMA cache_size=-512; PRAGMA journal_size_limit=1048576;",
	                   NULL, NULL, NULL);
	if (!is_sound(s) || sqlite3_exec(s->db, schema_sql, NULL, NULL, NULL) != SQLITE_OK ||
	    store_prepare(s, err) < 0) {
		err_set(err, ERR_INVALID, 0,
		        "%s is not a sound state file (%s): put a copy of it back, or move it away "
		        "to start with an empty one",
		        path, sqlite3_errmsg(s->db));
		store_close(s);
		return -1;
	}
	*ret_store = s;
	return 0;
}

void store_close(struct store *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < STATEMENTS_COUNT; i++)
		(void)sqlite3_finalize(s->statements[i]);
	(void)sqlite3_close(s->db);
	free(s);
}

uint64_t store_revision(const struct store *s)
{
	return s->revision;
}

uint64_t store_floor(const struct store *s)
{
	return s->floor;
}

/* First row of a statement as an object. */
static int first_object(struct store *s, sqlite3_stmt *st, json_t **ret_object, struct err *err)
{
	int code = sqlite3_step(st), result = 1;

	if (code == SQLITE_ROW) {
		*ret_object = column_json(st, 0);
		result = *ret_object ? 0 : err_set(err, ERR_INVALID, 0, "state file: bad object");
	} else if (code != SQLITE_DONE) {
		result = store_err(s, "read", err);
	}
	(void)sqlite3_reset(st);
	return result;
}

int store_get(struct store *s, const struct store_key *key, json_t **ret_object, struct err *err)
{
	return first_object(s, statement_with_key(s, ST_GET, key), ret_object, err);
}

static int put_owners(struct store *s, const json_t *object, bool gone, struct err *err)
{
	const json_t *owners = json_at(object, "metadata", "ownerReferences", NULL), *owner;
	sqlite3_stmt *st = s->statements[ST_DISOWN];
	size_t i;

	bind_text(st, 1, kube_uid(object));
	if (run(s, st, "owners", err) < 0)
		return -1;
	json_array_foreach(gone ? NULL : owners, i, owner) {
		st = s->statements[ST_OWN];
		bind_text(st, 1, json_str_at(owner, "", "uid", NULL));
		bind_text(st, 2, kube_uid(object));
		if (run(s, st, "owners", err) < 0)
			return -1;
	}
	return 0;
}

/* One object as it is written. */
struct row {
	const struct store_key *key;
	enum store_event event;
	const json_t *object;
	const char *body; /* @object as text */
};

static int put_rows(struct store *s, const struct row *row, struct err *err)
{
	bool gone = row->event == STORE_DELETED;
	sqlite3_int64 revision = (sqlite3_int64)s->revision + 1, previous = 0;
	sqlite3_stmt *st = statement_with_key(s, ST_PREVIOUS, row->key);
	int code = sqlite3_step(st);

	if (code == SQLITE_ROW)
		previous = sqlite3_column_int64(st, 0);
	else if (code != SQLITE_DONE)
		store_err(s, "read", err);
	(void)sqlite3_reset(st);
	if (code != SQLITE_ROW && code != SQLITE_DONE)
		return -1;

	st = statement_with_key(s, gone ? ST_DELETE : ST_PUT, row->key);
	if (!gone) {
		bind_text(st, 4, kube_uid(row->object));
		(void)sqlite3_bind_int64(st, 5, revision);
		bind_text(st, 6, row->body);
	}
	if (run(s, st, "write", err) < 0 || put_owners(s, row->object, gone, err) < 0)
		return -1;

	st = s->statements[ST_CHANGE];
	(void)sqlite3_bind_int64(st, 1, revision);
	bind_text(st, 2, row->key->type);
	(void)sqlite3_bind_int(st, 3, (int)row->event);
	(void)sqlite3_bind_int64(st, 4, previous);
	bind_text(st, 5, row->body);
	return run(s, st, "write", err);
}

/* Not in the write's transaction: a log that is too long for a moment harms nobody. */
static void trim(struct store *s)
{
	sqlite3_stmt *st = s->statements[ST_TRIM];
	uint64_t floor;

	if (s->revision % TRIM_EVERY != 0 || s->revision <= s->change_log_max)
		return;
	floor = s->revision - s->change_log_max;
	(void)sqlite3_bind_int64(st, 1, (sqlite3_int64)floor);
	if (run(s, st, "trim", NULL) == 0 && floor > s->floor)
		s->floor = floor;
}

int store_put(struct store *s, const struct store_key *key, enum store_event event,
              const json_t *object, struct err *err)
{
	CLEANUP(free_var) char *body = json_dumps(object, JSON_COMPACT);
	const struct row row = {key, event, object, body};

	if (body == NULL)
		return err_set(err, ERR_NOMEM, 0, "object");
	if (run(s, s->statements[ST_BEGIN], "begin", err) < 0)
		return -1;
	if (put_rows(s, &row, err) < 0 || run(s, s->statements[ST_COMMIT], "commit", err) < 0) {
		(void)run(s, s->statements[ST_ABORT], "roll back", NULL);
		return -1;
	}
	s->revision++;
	trim(s);
	return 0;
}

int store_sync(struct store *s, struct err *err)
{
	sqlite3_file *wal = NULL;

	if (sqlite3_file_control(s->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal) != SQLITE_OK)
		return store_err(s, "sync", err);
	if (wal == NULL || wal->pMethods == NULL)
		return 0; /* in memory */
	return wal->pMethods->xSync(wal, SQLITE_SYNC_NORMAL) == SQLITE_OK
	               ? 0
	               : err_set(err, ERR_SYS, EIO, "state file: sync");
}

/* Statements are shared, and a visitor may read again: rows are copied before they are visited. */
static json_t *collect(struct store *s, sqlite3_stmt *st, json_t *(*read)(sqlite3_stmt *st),
                       struct err *err)
{
	json_t *rows = json_array();
	int code = SQLITE_DONE;
	bool whole = rows != NULL;

	while (whole && (code = sqlite3_step(st)) == SQLITE_ROW)
		whole = json_array_append_new(rows, read(st)) == 0;
	if (!whole)
		err_set(err, ERR_INVALID, 0, "state file: bad object, or no memory");
	else if (code != SQLITE_DONE)
		store_err(s, "read", err);
	(void)sqlite3_reset(st);
	if (whole && code == SQLITE_DONE)
		return rows;
	json_decref(rows);
	return NULL;
}

static json_t *read_object(sqlite3_stmt *st)
{
	return column_json(st, 0);
}

/* The object before the change may be gone from the log; then it is null. */
static json_t *read_change(sqlite3_stmt *st)
{
	return json_pack("[I, I, o, o?]", (json_int_t)sqlite3_column_int64(st, 0),
	                 (json_int_t)sqlite3_column_int64(st, 1), column_json(st, 2),
	                 column_json(st, 3));
}

int store_list(struct store *s, const struct store_range *range, store_visit visit, void *arg,
               struct err *err)
{
	bool one = range->ns && *range->ns;
	sqlite3_stmt *st = s->statements[one ? ST_LIST_NS : ST_LIST];
	json_t *rows, *row;
	size_t i;

	bind_text(st, 1, range->type);
	bind_text(st, 2, one ? range->ns : range->after_ns ? range->after_ns : "");
	bind_text(st, 3, range->after_name ? range->after_name : "");
	(void)sqlite3_bind_int(st, 4, range->max_count ? (int)range->max_count : -1);
	rows = collect(s, st, read_object, err);
	if (rows == NULL)
		return -1;
	json_array_foreach(rows, i, row) {
		if (!visit(arg, row))
			break;
	}
	json_decref(rows);
	return 0;
}

uint64_t store_count(struct store *s, const char *type, const char *ns)
{
	sqlite3_stmt *st = s->statements[ST_COUNT];
	uint64_t count = 0;

	bind_text(st, 1, type);
	bind_text(st, 2, ns ? ns : "");
	if (sqlite3_step(st) == SQLITE_ROW)
		count = (uint64_t)sqlite3_column_int64(st, 0);
	(void)sqlite3_reset(st);
	return count;
}

int store_replay(struct store *s, const struct store_since *since, store_visit_change visit,
                 void *arg, struct err *err)
{
	sqlite3_stmt *st = s->statements[ST_REPLAY];
	json_t *rows, *row, *old;
	size_t i;

	(void)sqlite3_bind_int64(st, 1, (sqlite3_int64)since->revision);
	bind_text(st, 2, since->type);
	rows = collect(s, st, read_change, err);
	if (rows == NULL)
		return -1;
	json_array_foreach(rows, i, row) {
		old = json_array_get(row, 3);
		if (!visit(arg, (enum store_event)json_integer_value(json_array_get(row, 1)),
		           (uint64_t)json_integer_value(json_array_get(row, 0)),
		           json_is_object(old) ? old : NULL, json_array_get(row, 2)))
			break;
	}
	json_decref(rows);
	return 0;
}

int store_first_dependent(struct store *s, const char *owner_uid, const char *after_uid,
                          json_t **ret_object, struct err *err)
{
	sqlite3_stmt *st = s->statements[ST_DEPENDENT];

	bind_text(st, 1, owner_uid);
	bind_text(st, 2, after_uid);
	return first_object(s, st, ret_object, err);
}

int store_has_uid(struct store *s, const char *uid, struct err *err)
{
	sqlite3_stmt *st = s->statements[ST_HAS_UID];
	int code, found;

	bind_text(st, 1, uid);
	code = sqlite3_step(st);
	found = code == SQLITE_ROW ? 1 : code == SQLITE_DONE ? 0 : store_err(s, "read", err);
	(void)sqlite3_reset(st);
	return found;
}

int store_get_uid(struct store *s, const char *uid, json_t **ret_object, struct err *err)
{
	sqlite3_stmt *st = s->statements[ST_GET_UID];

	bind_text(st, 1, uid);
	return first_object(s, st, ret_object, err);
}

int store_foreach_gc(struct store *s, bool (*visit)(void *arg, const char *uid), void *arg,
                     struct err *err)
{
	sqlite3_stmt *st = s->statements[ST_GC];
	int code;

	while ((code = sqlite3_step(st)) == SQLITE_ROW) {
		if (!visit(arg, (const char *)sqlite3_column_text(st, 0)))
			break;
	}
	(void)sqlite3_reset(st);
	return code == SQLITE_ROW || code == SQLITE_DONE ? 0 : store_err(s, "read", err);
}

int store_first_in_namespace(struct store *s, const char *ns, const char *after_uid,
                             json_t **ret_object, struct err *err)
{
	sqlite3_stmt *st = s->statements[ST_IN_NS];

	bind_text(st, 1, ns);
	bind_text(st, 2, after_uid);
	return first_object(s, st, ret_object, err);
}
