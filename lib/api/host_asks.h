/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host_asks - the requests of containers for hosts; shared by host_admission.c and host_judge.c
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "lib/api/host_admission.h"
#include "lib/api/host_domains.h"
#include "lib/api/resource.h"

enum ask_state { ASK_ASKED, ASK_GRANTED, ASK_KEPT };

/* One container's wish for one host. */
struct ask {
	struct asker *asker;
	enum ask_state state;
	size_t bytes; /* of the host */
	char host[];  /* lower case */
};

struct asker {
	LIST_ENTRY(asker) refused;
	bool is_refused; /* in that list */
	bool is_old;     /* its hosts were served before there was admission */
	uint64_t created_ms;
	json_t *spec_hosts, *status_hosts; /* as they were read */
	char *ns, *name;
	struct ask *asks[RESOURCE_HOSTS_MAX];
	size_t asks_count;
	char uid[];
};

/* The hosts that a Namespace's annotation allows. */
struct hosts_grant {
	char *domains;
	char ns[];
};

struct hosts {
	struct host_domains *domains;
	const char *const *allowed;
	void *askers;     /* tsearch(3), by UID */
	void *namespaces; /* tsearch(3), of char *: that containers were seen in, also former ones
	                   */
	void *grants;     /* tsearch(3), of struct hosts_grant, by the namespace */
	LIST_HEAD(refused, asker) refused;
	/*
	 * All of them, ordered by the host read from its end: what is below a domain is side by
	 * side. Before the first judgement they come in any order, and are sorted once.
	 */
	struct ask **sorted;
	size_t count, capacity;
	bool is_sorted;
	bool has_freed;
};

/** hosts_sort() - once, before the first judgement */
void hosts_sort(struct hosts *h);
/** hosts_lower_bound() - where the first is that does not come before @host */
size_t hosts_lower_bound(const struct hosts *h, const char *host);
struct asker *hosts_asker(const struct hosts *h, const char *uid); /* NULL: none */
struct ask *hosts_ask_of(const struct asker *a, const char *host); /* NULL: none */
/** hosts_others_ask() - of others on that very host: of the highest state, of these the oldest */
struct ask *hosts_others_ask(const struct hosts *h, const struct ask *mine);
bool hosts_is_older(const struct asker *a, const struct asker *b);
void hosts_set_refused(struct hosts *h, struct asker *a, bool is_refused);
/** hosts_list_has() - @hosts: a list as in a manifest; @host: lower case */
bool hosts_list_has(const json_t *hosts, const char *host);
/** hosts_granted() - Return: the domains that @ns may have by its Namespace, or NULL */
const char *hosts_granted(const struct hosts *h, const char *ns);
int hosts_text_compare(const void *a, const void *b);
