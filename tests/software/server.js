// A server that answers what it has begun, and then ends. As a cluster, its primary disconnects the workers.
const cluster = require('cluster')
const http = require('http')

if (process.argv[2] === 'cluster' && cluster.isPrimary) {
  cluster.fork()
  cluster.fork()
  process.once('SIGTERM', () => cluster.disconnect(() => process.exit(0)))
} else {
  const server = http.createServer((request, response) => {
    response.write('begun\n')
    setTimeout(() => response.end('complete\n'), 2000)
  })
  server.listen(8000, '127.0.0.1')
  if (!cluster.isWorker) process.once('SIGTERM', () => server.close())
}
