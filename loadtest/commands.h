/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commands - the subcommands; each gets the arguments from its own name on, and returns an exit
 * code: 0 all that must hold holds, 1 it does not or nothing could be measured, 2 wrong usage
 */
#pragma once

int cmd_hostile(int argc, char **argv);
int cmd_pods(int argc, char **argv);
int cmd_scale(int argc, char **argv);
int cmd_siege(int argc, char **argv);
int cmd_wake(int argc, char **argv);
int cmd_warm(int argc, char **argv);
