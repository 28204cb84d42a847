// A server that answers what it has begun, and then ends. As a cluster, its primary disconnects the workers, and ends with them.
const cluster = require('cluster')
const fs = require('fs')
const http = require('http')

if (process.argv[2] === 'cluster' && cluster.isPrimary) {
  cluster.fork()
  cluster.fork()
  process.once('SIGTERM', () => cluster.disconnect())
} else {
  const server = http.createServer((request, response) => {
    response.write('begun\n')
    const end = () => response.end('complete\n')
    const flight = () => setTimeout(...(fs.existsSync('/out/asked') ? [end, 3000] : [flight, 100]))
    flight()
  })
  server.listen(8000, '127.0.0.1')
  if (!cluster.isWorker) process.once('SIGTERM', () => server.close())
}
