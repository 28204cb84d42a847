# What people run first, with rinit: a stage each, to be copied whole. `docker build --target npm .` makes one of them, beside
# package.json, server.js and Hook.java of this directory, and entry.sh and program.py of ../engine/stories.

FROM node:22-slim AS npm
COPY --from=rinit-demo /sbin/rinit /sbin/rinit
WORKDIR /app
COPY package.json server.js ./
ENTRYPOINT ["/sbin/rinit", "--"]
CMD ["npm", "start"]

FROM eclipse-temurin:21 AS java
COPY --from=rinit-demo /sbin/rinit /sbin/rinit
WORKDIR /out
COPY Hook.java ./
ENTRYPOINT ["/sbin/rinit", "--"]
CMD ["java", "Hook.java"]

FROM python:3.13-slim AS python
COPY --from=rinit-demo /sbin/rinit /sbin/rinit
COPY entry.sh program.py /app/
ENTRYPOINT ["/sbin/rinit", "--"]
CMD ["/app/entry.sh"]

FROM nginx AS nginx
COPY --from=rinit-demo /sbin/rinit /sbin/rinit
ENTRYPOINT ["/sbin/rinit", "--", "/docker-entrypoint.sh"]
CMD ["nginx", "-g", "daemon off;"]

FROM postgres:17 AS postgresql
COPY --from=rinit-demo /sbin/rinit /sbin/rinit
ENTRYPOINT ["/sbin/rinit", "--", "docker-entrypoint.sh"]
CMD ["postgres"]

FROM debian:bookworm-slim AS cron
RUN apt-get update && apt-get install -y cron && echo '@reboot root date >/proc/1/fd/2' >/etc/cron.d/date
COPY --from=rinit-demo /sbin/rinit /sbin/rinit
ENTRYPOINT ["/sbin/rinit", "--"]
CMD ["cron", "-f"]
