/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commands - what sc-local can do; each in a file of its own, cmd_<name>.c
 *
 * @argv[0] is the command's own name. Return: the program's exit code.
 */
#pragma once

int cmd_up(int argc, char **argv);
int cmd_down(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_podman(int argc, char **argv);
int cmd_serve(int argc, char **argv);
int cmd_kubeconfig(int argc, char **argv);
