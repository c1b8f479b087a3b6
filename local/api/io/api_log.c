/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_log - answers GET .../pods/NAME/log with what the Pod runner reads, as a stream of text
 */
#include <event2/event.h>
#include <stdlib.h>

#include "lib/base/num.h"
#include "local/api/io/api_internal.h"
#include "local/registry/core/status.h"

struct log_stream {
	struct http_exchange *x;
	const struct pod_log_source *source;
	struct pod_log *log;
	struct event *end;
	bool gone;
};

static void on_end(evutil_socket_t fd, short what, void *arg)
{
	struct log_stream *stream = arg;

	if (stream->log)
		stream->source->close(stream->source->arg, stream->log);
	if (!stream->gone)
		http_stream_end(stream->x);
	event_free(stream->end);
	free(stream);
}

static void on_gone(void *arg)
{
	struct log_stream *stream = arg;

	stream->gone = true;
	event_active(stream->end, EV_TIMEOUT, 1); /* may be inside of the source's own call */
}

static void on_data(void *arg, const char *data, size_t bytes)
{
	struct log_stream *stream = arg;

	if (bytes == 0) {
		stream->log = NULL; /* the source has ended it */
		event_active(stream->end, EV_TIMEOUT, 1);
	} else if (!stream->gone) {
		(void)http_stream_send(stream->x, data, bytes);
	}
}

static int query_parse(struct api_call *call, struct pod_log_query *query, struct err *err)
{
	const char *tail = request_query(&call->req, "tailLines");
	const char *since = request_query(&call->req, "sinceSeconds");
	uint64_t number;

	*query = (struct pod_log_query){
	        .ns = call->req.ns,
	        .pod = call->req.name,
	        .container = request_query(&call->req, "container"),
	        .follow = request_flag(&call->req, "follow"),
	        .previous = request_flag(&call->req, "previous"),
	        .timestamps = request_flag(&call->req, "timestamps"),
	        .tail_lines = -1,
	};
	if (tail) {
		if (num_parse_u64(tail, 0, INT32_MAX, &number, err) < 0)
			return err_wrap(err, "tailLines");
		query->tail_lines = (int64_t)number;
	}
	if (since) {
		if (num_parse_u64(since, 1, INT32_MAX, &number, err) < 0)
			return err_wrap(err, "sinceSeconds");
		query->since_seconds = (int64_t)number;
	}
	return 0;
}

void api_pod_log(struct api_call *call)
{
	const struct pod_log_source *source = call->api->opts.logs;
	struct log_stream *stream;
	struct pod_log_query query;
	struct err err = {0};

	if (source == NULL) {
		api_send_status(call, status_bad_request("no Pod runner: there are no logs"));
		return;
	}
	if (query_parse(call, &query, &err) < 0) {
		api_send_status(call, status_bad_request("%s", err.text));
		return;
	}
	stream = calloc(1, sizeof *stream);
	if (stream)
		stream->end = event_new(call->api->base, -1, 0, on_end, stream);
	if (stream == NULL || stream->end == NULL) {
		free(stream);
		api_send_status(call,
		                status_new(500, "InternalError", NULL, NULL, "out of memory"));
		return;
	}
	stream->x = call->x;
	stream->source = source;
	query.on_data = on_data;
	query.arg = stream;
	if (source->open(source->arg, &query, &stream->log, &err) < 0) {
		event_free(stream->end);
		free(stream);
		api_send_status(call, err.code == ERR_NOT_FOUND
		                              ? status_not_found(call->type, call->req.name)
		                              : status_bad_request("%s", err.text));
		return;
	}
	http_stream_start(call->x, "text/plain", on_gone, stream);
}
