export { NbdServer, type NbdServerOptions } from './nbd-server.ts';
