# syntax=docker/dockerfile:1

FROM node:24-slim AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json ./
COPY scripts/build.mjs scripts/bundle.mjs scripts/bundle-page.mjs scripts/third-party.mjs scripts/
COPY src src
RUN npm run build

# Node and what it links to: no shell, no package manager. headroute needs no other file than its own and writes nothing.
FROM gcr.io/distroless/nodejs24-debian12:nonroot
LABEL org.opencontainers.image.title="headroute" \
      org.opencontainers.image.description="A sidecar that routes each request to the right Pod of a headless Service" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="0.1.0"
ENV NODE_ENV=production
COPY LICENSE /licenses/LICENSE
COPY --from=build /src/dist/ /app/
# By number: the kubelet cannot tell that a named user is not root (runAsNonRoot).
USER 65532:65532
EXPOSE 9180
ENTRYPOINT ["/nodejs/bin/node", "/app/headroute.js"]
CMD ["run"]
