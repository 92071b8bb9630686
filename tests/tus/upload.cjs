// Uploads a file by tus-js-client, in parts and in one piece, over connections that are cut. Prints the path of the last
// upload. Arguments: URL of the server, access token, file.
const fs = require('node:fs')
const net = require('node:net')
const tus = require('tus-js-client')

const [server, token, file] = process.argv.slice(2)
const { hostname, port } = new URL(server)
const MIB = 1024 * 1024
let cuts = 0

// A way to the server that is cut after some megabytes, so often.
function way(times) {
  let left = times
  const proxy = net.createServer((client) => {
    const upstream = net.connect(Number(port), hostname)
    let budget = left > 0 ? MIB + Math.floor(Math.random() * 3 * MIB) : Infinity
    const end = () => { client.destroy(); upstream.destroy() }
    client.on('data', (bytes) => {
      budget -= bytes.length
      if (budget < 0) {
        left -= 1
        cuts += 1
        return end()
      }
      if (!upstream.write(bytes)) {
        client.pause()
        upstream.once('drain', () => client.resume())
      }
    })
    upstream.on('data', (bytes) => client.write(bytes))
    for (const stream of [client, upstream]) {
      stream.on('error', end)
      stream.on('close', end)
    }
  })
  return new Promise((resolve) => proxy.listen(0, '127.0.0.1', () => resolve(proxy)))
}

async function upload(options, times) {
  const proxy = await way(times)
  const endpoint = `http://127.0.0.1:${proxy.address().port}/media`
  const url = await new Promise((resolve, reject) => {
    const one = new tus.Upload(fs.createReadStream(file), {
      endpoint,
      headers: { Authorization: `Bearer ${token}` },
      metadata: { filename: 'a file.bin' },
      retryDelays: Array(20).fill(50),
      uploadSize: fs.statSync(file).size,
      onError: reject,
      onSuccess: () => resolve(one.url),
      ...options,
    })
    one.start()
  })
  proxy.close()
  return new URL(url).pathname
}

async function main() {
  const path = await upload({ chunkSize: 4 * MIB }, 4)
  if (cuts === 0) throw new Error('nothing was cut')
  console.error(`in parts: ${cuts} cuts`)
  // Creation with upload, then the end of it by its owner.
  const other = await upload({ chunkSize: 5 * MIB, uploadDataDuringCreation: true, parallelUploads: 1 }, 2)
  await tus.Upload.terminate(server + other, { headers: { Authorization: `Bearer ${token}` } })
  const gone = await fetch(server + other, { headers: { Authorization: `Bearer ${token}` } })
  if (gone.status !== 404) throw new Error(`a terminated upload is answered ${gone.status}`)
  console.log(path)
  process.exit(0)
}

main().catch((error) => {
  console.error(error)
  process.exit(1)
})
