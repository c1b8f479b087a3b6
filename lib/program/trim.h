/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trim - a quiet process gives memory back
 *
 * What a program needed once - the dynamic linker's tables, start-up code of the libraries, their
 * neighbours that the kernel mapped along (64 KiB around each fault), freed heap - stays in its
 * resident set for ever. Once the program has been quiet for a while, this gives the free heap
 * back and unmaps the pages of program files that were never written.
 *
 * What it costs: the pages stay in the page cache, so what is needed again comes back by minor
 * faults, without the disk unless the machine itself is short of memory: about a hundred of them,
 * some 0.1 ms in all, in the first turn after a trim. It is done again every ten seconds, and only
 * when the process did next to nothing in them.
 *
 * What it does not do: free a machine's memory that it would not get back under pressure anyway.
 * The figure that it makes honest is the resident set: what the process uses.
 */
#pragma once

struct event_base;

/**
 * trim_start() - trim this process from now on, whenever it was quiet
 * Once a process, before the loop runs; it ends with the loop's base.
 */
void trim_start(struct event_base *base);

/** trim_now() - once, at once; harmless at any time */
void trim_now(void);
