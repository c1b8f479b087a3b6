/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process - what every long-running program of ours sets up first
 */
#pragma once

/**
 * process_start() - once, after the configuration is loaded and before anything is opened
 * No death by SIGPIPE; as many descriptors as are allowed; a log that never waits for its reader;
 * libevent's own warnings in that log, at most one a second.
 */
void process_start(void);
