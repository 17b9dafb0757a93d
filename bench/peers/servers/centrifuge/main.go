// A broadcast server on centrifuge, the library that Centrifugo is made of: memory broker, WebSocket, and the part of
// Centrifugo's HTTP API that publishes. Run with PORT, WRITE_DELAY_MS and GATHER_MS in the environment.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/centrifugal/centrifuge"
)

const channel = "room"

func milliseconds(name string) time.Duration {
	value, _ := strconv.ParseFloat(os.Getenv(name), 64)
	return time.Duration(value * float64(time.Millisecond))
}

func main() {
	node, err := centrifuge.New(centrifuge.Config{
		LogLevel:   centrifuge.LogLevelError,
		LogHandler: func(entry centrifuge.LogEntry) { log.Println(entry.Message, entry.Fields) },
	})
	if err != nil {
		log.Fatal(err)
	}
	writeDelay := milliseconds("WRITE_DELAY_MS")
	node.OnConnecting(func(context.Context, centrifuge.ConnectEvent) (centrifuge.ConnectReply, error) {
		return centrifuge.ConnectReply{
			Credentials: &centrifuge.Credentials{},
			// Gathers the messages of a connection: "reduction happens due to the lesser number of system calls".
			WriteDelay: writeDelay,
			// One timer for a connection with something to write, instead of a goroutine that waits.
			WriteWithTimer: writeDelay > 0,
			// With a limit (16 by default) the delay would also limit the throughput.
			MaxMessagesInFrame: -1,
		}, nil
	})
	node.OnConnect(func(client *centrifuge.Client) {
		client.OnSubscribe(func(_ centrifuge.SubscribeEvent, done centrifuge.SubscribeCallback) {
			done(centrifuge.SubscribeReply{}, nil)
		})
	})
	if err := node.Run(); err != nil {
		log.Fatal(err)
	}

	publisher := &publisher{node: node, wait: milliseconds("GATHER_MS")}
	http.Handle("/connection/websocket", centrifuge.NewWebsocketHandler(node, centrifuge.WebsocketConfig{}))
	http.HandleFunc("/api/batch", publisher.serve)
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.Serve(listener, nil))
}

// publisher serves Centrifugo's "batch" call, as far as it publishes.
type publisher struct {
	node *centrifuge.Node
	// wait is how long payloads are gathered to be published as one; 0: each is published alone.
	wait    time.Duration
	mu      sync.Mutex
	waiting [][]byte
}

type batch struct {
	Commands []struct {
		Publish struct {
			Data json.RawMessage `json:"data"`
		} `json:"publish"`
	} `json:"commands"`
}

func (p *publisher) serve(response http.ResponseWriter, request *http.Request) {
	var calls batch
	if err := json.NewDecoder(request.Body).Decode(&calls); err != nil {
		http.Error(response, err.Error(), http.StatusBadRequest)
		return
	}
	for _, call := range calls.Commands {
		if err := p.publish(call.Publish.Data); err != nil {
			http.Error(response, err.Error(), http.StatusInternalServerError)
			return
		}
	}
}

func (p *publisher) publish(data []byte) error {
	if p.wait <= 0 {
		_, err := p.node.Publish(channel, data)
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting = append(p.waiting, data)
	if len(p.waiting) == 1 {
		time.AfterFunc(p.wait, p.flush)
	}
	return nil
}

func (p *publisher) flush() {
	p.mu.Lock()
	defer p.mu.Unlock()
	together := append(append([]byte{'['}, bytes.Join(p.waiting, []byte{','})...), ']')
	p.waiting = nil
	if _, err := p.node.Publish(channel, together); err != nil {
		log.Println(err)
	}
}
