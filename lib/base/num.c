/* SPDX-License-Identifier: Apache-2.0 */
/*
 * num - parses whole numbers, durations and quantities
 */
#include "lib/base/num.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

int num_parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *ret_value,
                  struct err *err)
{
	uint64_t v = 0;
	const char *c = text;

	for (; isdigit((unsigned char)*c); c++) {
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*c - '0'), &v))
			break;
	}
	if (c == text || *c != '\0' || v < min || v > max)
		return err_set(err, ERR_PARSE, 0,
		               "\"%s\": want a whole number from %" PRIu64 " to %" PRIu64, text,
		               min, max);
	*ret_value = v;
	return 0;
}

struct num_unit {
	const char *suffix;
	uint64_t factor;
};

/*
 * "12.345" into thousandths of one; digits past the third are dropped. Moves *text past it.
 * Return: 0, or -1 without digits or past 64 bits.
 */
static int num_decimal_milli(const char **text, uint64_t *ret_milli)
{
	const char *c = *text;
	uint64_t v = 0;
	uint64_t scale = 100;
	bool digits = false;

	for (; isdigit((unsigned char)*c); c++, digits = true) {
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*c - '0'), &v))
			return -1;
	}
	if (__builtin_mul_overflow(v, 1000, &v))
		return -1;
	if (*c == '.') {
		for (c++; isdigit((unsigned char)*c); c++, digits = true, scale /= 10) {
			if (__builtin_add_overflow(v, scale * (uint64_t)(*c - '0'), &v))
				return -1;
		}
	}
	*text = c;
	*ret_milli = v;
	return digits ? 0 : -1;
}

/* The longest suffix that fits wins, so that "m" does not hide "ms". */
static const struct num_unit *num_unit_find(const struct num_unit *units, const char *text)
{
	const struct num_unit *best = NULL;

	for (; units->suffix != NULL; units++) {
		if (strncmp(text, units->suffix, strlen(units->suffix)) == 0 &&
		    (best == NULL || strlen(units->suffix) > strlen(best->suffix)))
			best = units;
	}
	return best;
}

int num_parse_duration_ms(const char *text, uint64_t max_ms, uint64_t *ret_ms, struct err *err)
{
	/* factors in nanoseconds */
	static const struct num_unit units[] = {
	        {"ns", 1},          {"us", 1000},         {"ms", 1000000}, {"s", 1000000000},
	        {"m", 60000000000}, {"h", 3600000000000}, {NULL, 0}};
	const char *c = text;
	uint64_t total_ms = 0;

	if (strcmp(text, "0") == 0) {
		*ret_ms = 0;
		return 0;
	}
	do {
		const struct num_unit *u;
		uint64_t milli;
		uint64_t part;

		if (num_decimal_milli(&c, &milli) < 0 || (u = num_unit_find(units, c)) == NULL ||
		    __builtin_mul_overflow(milli, u->factor / 1000 ? u->factor / 1000 : 1, &part))
			goto bad;
		part /= u->factor >= 1000 ? 1000000 : 1000000000;
		c += strlen(u->suffix);
		if (__builtin_add_overflow(total_ms, part, &total_ms))
			goto bad;
	} while (*c != '\0');
	if (total_ms > max_ms)
		goto bad;
	*ret_ms = total_ms;
	return 0;
bad:
	return err_set(err, ERR_PARSE, 0,
	               "\"%s\": want a duration such as \"5m\", \"1h30m\" or \"250ms\", at most "
	               "%" PRIu64 " ms",
	               text, max_ms);
}

int num_parse_quantity_milli(const char *text, uint64_t *ret_milli, struct err *err)
{
	static const struct num_unit units[] = {
	        {"", 1},
	        {"k", 1000},
	        {"M", 1000000},
	        {"G", 1000000000},
	        {"T", 1000000000000},
	        {"P", 1000000000000000},
	        {"Ki", 1ULL << 10},
	        {"Mi", 1ULL << 20},
	        {"Gi", 1ULL << 30},
	        {"Ti", 1ULL << 40},
	        {"Pi", 1ULL << 50},
	        {NULL, 0},
	};
	const char *c = text;
	const struct num_unit *u;
	uint64_t milli;
	uint64_t exponent = 0;

	if (num_decimal_milli(&c, &milli) < 0)
		goto bad;
	if (strcmp(c, "m") == 0) {
		*ret_milli = (milli + 999) / 1000;
		return 0;
	}
	if (*c == 'e' || (*c == 'E' && c[1] != '\0')) {
		if (num_parse_u64(c + 1, 0, 15, &exponent, NULL) < 0)
			goto bad;
		for (; exponent > 0; exponent--) {
			if (__builtin_mul_overflow(milli, 10, &milli))
				goto bad;
		}
		*ret_milli = milli;
		return 0;
	}
	u = num_unit_find(units, c);
	if (u == NULL || strcmp(c, u->suffix) != 0 ||
	    __builtin_mul_overflow(milli, u->factor, &milli))
		goto bad;
	*ret_milli = milli;
	return 0;
bad:
	return err_set(err, ERR_PARSE, 0,
	               "\"%s\": want a quantity such as \"100m\", \"0.5\" or "
	               "\"16Mi\"",
	               text);
}

const char *num_format_duration(uint64_t ms, char *buf, size_t size)
{
	uint64_t h = ms / 3600000;
	uint64_t m = ms / 60000 % 60;
	uint64_t s_milli = ms % 60000;
	char sec[32];

	if (ms > 0 && ms < 1000) {
		(void)snprintf(buf, size, "%" PRIu64 "ms", ms);
		return buf;
	}
	(void)snprintf(sec, sizeof sec, "%" PRIu64 ".%03" PRIu64, s_milli / 1000, s_milli % 1000);
	for (size_t n = strlen(sec); sec[n - 1] == '0' || sec[n - 1] == '.'; n--) {
		bool point = sec[n - 1] == '.';

		sec[n - 1] = '\0';
		if (point)
			break;
	}
	if (h > 0)
		(void)snprintf(buf, size, "%" PRIu64 "h%" PRIu64 "m%ss", h, m, sec);
	else if (m > 0)
		(void)snprintf(buf, size, "%" PRIu64 "m%ss", m, sec);
	else
		(void)snprintf(buf, size, "%ss", sec);
	return buf;
}

int num_parse_rfc3339(const char *text, uint64_t *ret_wall_ms, struct err *err)
{
	struct tm tm = {0};
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	uint64_t frac_ms = 0;
	time_t t;

	if (rest != NULL && *rest == '.') {
		uint64_t scale = 100;

		for (rest++; isdigit((unsigned char)*rest); rest++, scale /= 10)
			frac_ms += scale * (uint64_t)(*rest - '0');
	}
	if (rest == NULL || strcmp(rest, "Z") != 0 || (t = timegm(&tm)) < 0)
		return err_set(err, ERR_PARSE, 0,
		               "\"%s\": want a UTC time such as \"2026-01-02T03:04:05Z\"", text);
	*ret_wall_ms = (uint64_t)t * 1000 + frac_ms;
	return 0;
}

const char *num_format_rfc3339(uint64_t wall_ms, bool micro, char buf[NUM_RFC3339_BYTES])
{
	time_t t = (time_t)(wall_ms / 1000);
	struct tm tm;
	size_t len;

	(void)gmtime_r(&t, &tm);
	len = strftime(buf, NUM_RFC3339_BYTES, "%Y-%m-%dT%H:%M:%S", &tm);
	if (micro)
		(void)snprintf(buf + len, NUM_RFC3339_BYTES - len, ".%03u000Z",
		               (unsigned)(wall_ms % 1000));
	else
		(void)snprintf(buf + len, NUM_RFC3339_BYTES - len, "Z");
	return buf;
}

const char *num_format_age(uint64_t ms, char buf[NUM_AGE_BYTES])
{
	unsigned long long s = ms / 1000, m = s / 60, h = m / 60, d = h / 24;

	if (s < 120)
		(void)snprintf(buf, NUM_AGE_BYTES, "%llus", s);
	else if (m < 10 && s % 60)
		(void)snprintf(buf, NUM_AGE_BYTES, "%llum%llus", m, s % 60);
	else if (m < 180)
		(void)snprintf(buf, NUM_AGE_BYTES, "%llum", m);
	else if (h < 8 && m % 60)
		(void)snprintf(buf, NUM_AGE_BYTES, "%lluh%llum", h, m % 60);
	else if (h < 48)
		(void)snprintf(buf, NUM_AGE_BYTES, "%lluh", h);
	else if (d < 8 && h % 24)
		(void)snprintf(buf, NUM_AGE_BYTES, "%llud%lluh", d, h % 24);
	else if (d < 365 * 2)
		(void)snprintf(buf, NUM_AGE_BYTES, "%llud", d);
	else
		(void)snprintf(buf, NUM_AGE_BYTES, "%lluy%llud", d / 365, d % 365);
	return buf;
}
