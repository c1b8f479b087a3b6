/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

struct fake_server {
	struct evhttp *http;
	SSL_CTX *tls;
	uint16_t port;
	unsigned connections;
	struct evhttp_request *held[16];
	size_t held_count;
	char pem[4096];
};

static struct bufferevent *on_connection(struct event_base *base, void *arg)
{
	struct fake_server *s = arg;

	s->connections++;
	if (s->tls == NULL)
		return bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
	return bufferevent_openssl_socket_new(base, -1, SSL_new(s->tls), BUFFEREVENT_SSL_ACCEPTING,
	                                      BEV_OPT_CLOSE_ON_FREE);
}

static void fake_server_tls(struct fake_server *s)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	X509_EXTENSION *san = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1");
	BIO *out = BIO_new(BIO_s_mem());

	(void)X509_set_version(cert, X509_VERSION_3);
	(void)ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	(void)X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
	(void)X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	(void)X509_set_pubkey(cert, key);
	(void)X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
	                                 (const unsigned char *)"fake", -1, -1, 0);
	(void)X509_set_issuer_name(cert, X509_get_subject_name(cert));
	(void)X509_add_ext(cert, san, -1);
	(void)X509_sign(cert, key, EVP_sha256());
	(void)PEM_write_bio_X509(out, cert);
	(void)BIO_read(out, s->pem, sizeof s->pem - 1);
	s->tls = SSL_CTX_new(TLS_server_method());
	(void)SSL_CTX_use_certificate(s->tls, cert);
	(void)SSL_CTX_use_PrivateKey(s->tls, key);
	BIO_free(out);
	X509_EXTENSION_free(san);
	X509_free(cert);
	EVP_PKEY_free(key);
}

struct fake_server *fake_server_new(struct event_base *base, bool tls, uint16_t port,
                                    void (*on_request)(struct evhttp_request *req, void *arg),
                                    void *arg)
{
	struct fake_server *s = calloc(1, sizeof *s);
	struct sockaddr_in addr;
	socklen_t len = sizeof addr;
	struct evhttp_bound_socket *bound;

	if (s == NULL)
		return NULL;
	if (tls)
		fake_server_tls(s);
	s->http = evhttp_new(base);
	evhttp_set_allowed_methods(s->http, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_PUT |
	                                            EVHTTP_REQ_PATCH | EVHTTP_REQ_DELETE);
	evhttp_set_bevcb(s->http, on_connection, s);
	evhttp_set_gencb(s->http, on_request, arg);
	bound = evhttp_bind_socket_with_handle(s->http, "127.0.0.1", port);
	if (bound == NULL ||
	    getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&addr, &len) < 0) {
		fake_server_free(s);
		return NULL;
	}
	s->port = ntohs(addr.sin_port);
	return s;
}

void fake_server_free(struct fake_server *s)
{
	if (s == NULL)
		return;
	fake_server_end_held(s);
	evhttp_free(s->http);
	SSL_CTX_free(s->tls);
	free(s);
}

uint16_t fake_server_port(const struct fake_server *s)
{
	return s->port;
}

const char *fake_server_ca_pem(const struct fake_server *s)
{
	return s->pem;
}

unsigned fake_server_connections(const struct fake_server *s)
{
	return s->connections;
}

void fake_server_reply(struct evhttp_request *req, int status, const char *json)
{
	struct evbuffer *body = evbuffer_new();

	(void)evbuffer_add(body, json, strlen(json));
	evhttp_send_reply(req, status, "x", body);
	evbuffer_free(body);
}

void fake_server_chunk(struct evhttp_request *req, const char *text)
{
	struct evbuffer *body = evbuffer_new();

	(void)evbuffer_add(body, text, strlen(text));
	evhttp_send_reply_chunk(req, body);
	evbuffer_free(body);
}

void fake_server_hold(struct fake_server *s, struct evhttp_request *req)
{
	if (s->held_count < 16)
		s->held[s->held_count++] = req;
}

/* Also when the client has gone: then this is what frees the request. */
void fake_server_end_held(struct fake_server *s)
{
	for (size_t i = 0; i < s->held_count; i++) {
		if (evhttp_request_get_response_code(s->held[i]) == 0)
			evhttp_send_error(s->held[i], 500, NULL);
		else
			evhttp_send_reply_end(s->held[i]);
	}
	s->held_count = 0;
}
