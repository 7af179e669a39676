'use strict';
// Name resolution for the tests: the public names lead to the emulator. Node loads this
// file before the program, which knows nothing of it.
const tls = require('node:tls');

const [host, port] = process.env.EMULATOR.split(':');
const connect = tls.connect;
tls.connect = function (...args) {
  const options = args[0];
  const name = options.servername || options.host;
  if (/\.(microsoftonline|microsoft|windows)\.(com|net)$/.test(name)) {
    args[0] = { ...options, host, port: Number(port), servername: name };
  }
  return connect.apply(this, args);
};
