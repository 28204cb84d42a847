#!/bin/sh
rsyslogd
postfix start-fg
