/* SPDX-License-Identifier: MIT
 *
 * Functions that have no safe use in this tree; naming one is a compile error. Write into a
 * struct buf or an arena, or use snprintf with the size of the array.
 */
#ifndef RN_BANNED_H
#define RN_BANNED_H

/* Headers that name them come first, so that only our own uses are poisoned. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf gets strtok atoi atol atof
#pragma GCC poison gmtime localtime ctime asctime tmpnam mktemp

#endif
