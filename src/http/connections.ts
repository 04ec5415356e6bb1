/** Who is connected: a bounded number, of whom those go first that ask for nothing. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

interface Connection {
  readonly socket: Socket;
  inFlight: number;
}

/**
 * Keeps at most `most` connections of a server open. A new one takes the place of the one that has been without a request longest,
 * half-sent heads included; when all are at work, it is closed.
 *
 * @param server not listening yet
 * @param most at least 1
 * @returns hangs up on all who ask for nothing, now and from now on (Node's own way spares those who never asked for anything)
 */
export function boundConnections(server: Server, most: number): () => void {
  let isClosing = false;
  /** The one that began to be idle first comes first. */
  const connections = new Map<Socket | string, Connection>();
  server.on('connection', (socket: Socket) => {
    if (connections.size >= most) evict(connections);
    if (connections.size >= most) {
      socket.destroy();
      return;
    }
    const key = keyOf(socket);
    connections.set(key, { socket, inFlight: 0 });
    socket.once('close', () => connections.delete(key));
  });
  server.on('request', ({ socket }: IncomingMessage, outgoing: ServerResponse) => {
    const key = keyOf(socket);
    const connection = connections.get(key);
    if (connection === undefined) return;
    connection.inFlight += 1;
    outgoing.once('close', () => {
      connection.inFlight -= 1;
      if (connections.delete(key)) connections.set(key, connection);
      if (isClosing && connection.inFlight === 0) connection.socket.destroySoon();
    });
  });
  return () => {
    isClosing = true;
    for (const { socket, inFlight } of connections.values()) if (inFlight === 0) socket.destroy();
  };
}

/** By TLS a request knows another socket than the one that was accepted, with the same address. */
function keyOf(socket: Socket): Socket | string {
  return socket.remotePort === undefined ? socket : `${socket.remoteAddress} ${socket.remotePort}`;
}

function evict(connections: Map<Socket | string, Connection>): void {
  for (const [key, { socket, inFlight }] of connections) {
    if (inFlight > 0) continue;
    connections.delete(key);
    socket.destroy();
    return;
  }
}
