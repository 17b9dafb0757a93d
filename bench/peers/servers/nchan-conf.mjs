/**
 * The configuration of nginx with nchan, for a broadcast on one channel.
 *
 * - Memory storage, which is nchan's default, with plenty of shared memory: too little of it loses messages.
 * - One worker: a second one takes no less CPU per delivery here, as it has to be told of every message.
 * - The buffer of a channel holds more than a burst, so that a subscriber who is behind misses nothing; messages leave it
 *   after seconds, not after the hour of the default.
 * - No access log, no pings: nothing but the payload is sent.
 *
 * nchan leaves Nagle's algorithm on for its subscribers (`tcp_nodelay` does not reach them), so that a frame may wait
 * for the acknowledgement of the one before it: its latencies have a tail up to 200 ms.
 *
 * @param {number} port
 * @param {{module: string, folder: string, nginxSocket: string, gatherSocket: string | undefined}} files
 */
export function nginxConfiguration(port, files) {
  const nchan = "nchan_publisher websocket http;";
  const gather = `proxy_pass http://unix:${files.gatherSocket}:/; proxy_http_version 1.1; proxy_read_timeout 1h;
      proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;`;
  return `
load_module ${files.module};
daemon off;
${process.getuid?.() === 0 ? "user root;" : ""}
worker_processes 1;
worker_rlimit_nofile 20000;
pid ${files.folder}/nginx.pid;
error_log stderr error;
events { worker_connections 16384; use epoll; multi_accept on; }
http {
  access_log off;
  client_body_temp_path ${files.folder}/body;
  proxy_temp_path ${files.folder}/proxy;
  fastcgi_temp_path ${files.folder}/fastcgi;
  uwsgi_temp_path ${files.folder}/uwsgi;
  scgi_temp_path ${files.folder}/scgi;
  keepalive_requests 1000000000;
  nchan_shared_memory_size 512m;
  nchan_message_buffer_length 20000;
  nchan_message_timeout 5s;
  server {
    listen 127.0.0.1:${port} backlog=4096;
    listen unix:${files.nginxSocket};
    location = /subscribe {
      nchan_subscriber websocket;
      nchan_channel_id room;
      nchan_subscriber_first_message newest;
      nchan_websocket_ping_interval 0;
    }
    location = /publish { ${files.gatherSocket === undefined ? `${nchan} nchan_channel_id room;` : gather} }
    location = /nchan-publish { ${nchan} nchan_channel_id room; }
  }
}
`;
}
