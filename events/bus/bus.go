// Package bus carries the log of changes to all processes over NATS JetStream, so that one
// process reads it for all. The log in the database stays the truth: each message says which
// place it follows, and whoever misses what is before it reads that from the log.
package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"portico/events"
	"portico/trade"
	"portico/trade/clock"
)

const (
	carriedAtOnce = 500 // changes in one message, well below its limit of 1 MiB
	kept          = time.Hour
	mostKept      = 256 << 20 // bytes
	copies        = 3
	signOfLife    = time.Second
	pollPause     = 2 * time.Millisecond // for changes that cannot be read yet; twice as long each time
	lookSlowest   = 100 * time.Millisecond
	retryPause    = 500 * time.Millisecond
	within        = 5 * time.Second
	// How long a consumer waits for a sign of life of the cluster: with longer ones it hears
	// nothing for a long time after a server ended.
	pullFor, pullSigns = 2 * time.Second, 500 * time.Millisecond
)

// Bus is a connection to NATS, which is made again whenever it breaks.
type Bus struct {
	conn   *nats.Conn
	js     jetstream.JetStream
	prefix string
	log    *slog.Logger
}

// Open connects, now or as soon as there is somebody to connect to. Processes with the same
// prefix have the same database.
func Open(url, prefix string, log *slog.Logger) (*Bus, error) {
	conn, err := nats.Connect(url, nats.Name("portico"), nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1),
		nats.ReconnectWait(retryPause))
	if err != nil {
		return nil, fmt.Errorf("NATS: %w", err)
	}
	js, err := jetstream.New(conn)
	if err != nil {
		return nil, fmt.Errorf("NATS: %w", err)
	}
	return &Bus{conn, js, prefix, log}, nil
}

// Close ends the connection.
func (b *Bus) Close() { b.conn.Close() }

// Connected tells whether there is somebody at the other end.
func (b *Bus) Connected() bool { return b.conn.IsConnected() }

func (b *Bus) subject() string   { return b.prefix + ".changes" }
func (b *Bus) committed() string { return b.prefix + ".committed" }
func (b *Bus) stream() string {
	return strings.ToUpper(strings.ReplaceAll(b.prefix, ".", "_")) + "_CHANGES"
}

// Committed tells whoever relays that there is something to read.
func (b *Bus) Committed() error { return b.conn.Publish(b.committed(), nil) }

// message is part of the log: the changes after a place, in order. One without changes is a
// sign of life.
type message struct {
	After   trade.Place    `json:"After"`
	Changes []trade.Change `json:"Changes,omitempty"`
}

// Relay carries the log to all processes, from its end on, until ctx ends or it fails. One
// process does it at a time; what several send is told once all the same.
func (b *Bus) Relay(ctx context.Context, of events.Log) error {
	wake := make(chan struct{}, 1)
	heard, err := b.conn.Subscribe(b.committed(), func(*nats.Msg) {
		select {
		case wake <- struct{}{}:
		default:
		}
	})
	if err != nil {
		return fmt.Errorf("NATS: %w", err)
	}
	defer func() { _ = heard.Unsubscribe() }()
	if err := b.prepare(ctx); err != nil {
		return err
	}
	at, err := of.LogEnd(ctx)
	if err != nil {
		return err
	}
	if err := b.send(ctx, message{After: at}); err != nil { // whoever is not there yet reads up to it
		return err
	}
	sent, pause := time.Now(), pollPause
	for {
		changes, err := of.Changes(ctx, at, carriedAtOnce)
		if err != nil {
			return err
		}
		if len(changes) > 0 || time.Since(sent) >= signOfLife {
			if err := b.send(ctx, message{at, changes}); err != nil {
				return err
			}
			sent = time.Now()
		}
		if len(changes) > 0 {
			at, pause = changes[len(changes)-1].Place, pollPause
		}
		if len(changes) == carriedAtOnce {
			continue
		}
		waits, err := of.LogWaits(ctx, at)
		if err != nil {
			return err
		}
		next := signOfLife / 2
		if waits {
			next, pause = pause, min(2*pause, lookSlowest)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-wake:
		case <-time.After(next):
		}
	}
}

// prepare makes the stream, with copies on three servers where there are as many.
func (b *Bus) prepare(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	config := jetstream.StreamConfig{
		Name: b.stream(), Subjects: []string{b.subject()}, Storage: jetstream.FileStorage, MaxAge: kept, MaxBytes: mostKept,
		Discard: jetstream.DiscardOld, Replicas: copies,
		Description: "What has changed, for streams. It can be removed: the truth is the table changes.",
	}
	_, err := b.js.CreateOrUpdateStream(ctx, config)
	if err != nil && len(b.conn.Servers()) < copies && !errors.Is(err, context.DeadlineExceeded) {
		config.Replicas = 1
		_, err = b.js.CreateOrUpdateStream(ctx, config)
	}
	if err != nil {
		return fmt.Errorf("NATS: %w", err)
	}
	return nil
}

func (b *Bus) send(ctx context.Context, m message) error {
	text, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("NATS: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	if _, err := b.js.Publish(ctx, b.subject(), text); err != nil {
		return fmt.Errorf("NATS: %w", err)
	}
	return nil
}

// Listen hands what is carried to a hub until ctx ends. While nothing comes the hub looks by
// itself.
func (b *Bus) Listen(ctx context.Context, hub *events.Hub) {
	loop := clock.Loop{Task: "changes over NATS", Every: retryPause, Log: b.log}
	loop.Run(ctx, clock.Pass(func(ctx context.Context) error { return b.listen(ctx, hub) }))
}

func (b *Bus) listen(ctx context.Context, hub *events.Hub) error {
	consumer, err := b.js.OrderedConsumer(ctx, b.stream(), jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverNewPolicy})
	if err != nil {
		return err
	}
	messages, err := consumer.Messages(jetstream.PullExpiry(pullFor), jetstream.PullHeartbeat(pullSigns))
	if err != nil {
		return err
	}
	defer messages.Stop()
	defer context.AfterFunc(ctx, messages.Stop)()
	for {
		msg, err := messages.Next()
		if err != nil {
			return err
		}
		var m message
		if err := json.Unmarshal(msg.Data(), &m); err != nil {
			return err // it is read from the log
		}
		hub.Offer(m.After, m.Changes)
	}
}
