/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process - signals, descriptors and log: the first set-up of every long-running program
 */
#pragma once

/**
 * process_start() - once, after the configuration is loaded and before anything is opened
 * No death by SIGPIPE; as many descriptors as are allowed; a log that never waits for its reader;
 * libevent's own warnings in that log, at most one a second.
 */
void process_start(void);
