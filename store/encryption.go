package store

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"github.com/lib/pq"
	"github.com/prometheus/client_golang/prometheus"

	"portico/trade"
)

// Columns that are classified RESTRICTED hold "sealed:KEY:TEXT": the id of a key,
// and the text under AES-256-GCM with a random nonce, in base64. They are sealed
// for what they say, so that a value moved to a column that says something else
// does not open.

const encryptedPrefix = "sealed:"

// Signer is who signed for a delivery: an event says it, and the proof that is
// derived from events.
const Signer = "signer of a delivery"

var unreadable = prometheus.NewCounter(prometheus.CounterOpts{
	Name: "portico_store_unreadable_total", Help: "Restricted values that no key in force opens; they are answered as null.",
})

// Keyring are the secrets that restricted columns are sealed with: the first one
// seals, all of them open. They may change at any time.
type Keyring struct {
	Keys func() [][]byte
	Log  *slog.Logger

	ciphers sync.Map // *key by secret
}

type key struct {
	id   string
	aead cipher.AEAD
}

var errNoKey = errors.New("no key for restricted columns")

func (s *Keyring) keys() ([]*key, error) {
	if s == nil {
		return nil, errNoKey
	}
	var all []*key
	for _, secret := range s.Keys() {
		known, ok := s.ciphers.Load(string(secret))
		if !ok {
			k, err := newKey(secret)
			if err != nil {
				return nil, err
			}
			known, _ = s.ciphers.LoadOrStore(string(secret), k)
		}
		all = append(all, known.(*key)) //nolint:errcheck // only these are put in
	}
	if len(all) == 0 {
		return nil, errNoKey
	}
	return all, nil
}

func newKey(secret []byte) (*key, error) {
	of := func(purpose string, n int) []byte {
		k, _ := hkdf.Key(sha256.New, secret, nil, purpose, n) // fails for longer keys alone
		return k
	}
	block, err := aes.NewCipher(of("portico restricted columns", 32))
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return &key{hex.EncodeToString(of("portico key id", 4)), aead}, err
}

func (k *key) prefix() string { return encryptedPrefix + k.id + ":" }

// encrypt seals a text, for what it says.
func (s *Keyring) encrypt(what string, text *trade.Restricted) (*trade.Restricted, error) {
	if text == nil {
		return nil, nil
	}
	keys, err := s.keys()
	if err != nil {
		return nil, err
	}
	cipherText := keys[0].aead.Seal(nil, nil, []byte(*text), []byte(what)) //nolint:gosec // the AEAD makes its own nonce (NewGCMWithRandomNonce)
	v := trade.Restricted(keys[0].prefix() + base64.RawStdEncoding.EncodeToString(cipherText))
	return &v, nil
}

// open opens what was sealed; what was written before columns were sealed is as
// it is.
func (s *Keyring) open(what string, text *trade.Restricted) (*trade.Restricted, error) {
	if text == nil || !strings.HasPrefix(string(*text), encryptedPrefix) {
		return text, nil
	}
	keys, err := s.keys()
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		body, ours := strings.CutPrefix(string(*text), k.prefix())
		if !ours {
			continue
		}
		raw, err := base64.RawStdEncoding.DecodeString(body)
		if err != nil {
			return nil, fmt.Errorf("a value (%s) is no base64", what)
		}
		plain, err := k.aead.Open(nil, nil, raw, []byte(what))
		if err != nil {
			return nil, fmt.Errorf("a value (%s) does not open", what)
		}
		v := trade.Restricted(plain)
		return &v, nil
	}
	return nil, fmt.Errorf("the key of a value (%s) is not in force: put it back as a further line of PORTICO_DATA_KEY_FILE", what)
}

// Encrypt encrypts a text, for what it says.
func (s *Store) Encrypt(what string, text *trade.Restricted) (*trade.Restricted, error) {
	return s.options.Keyring.encrypt(what, text)
}

// Decrypt is what a read tells of a sealed value: nothing where it does not open,
// which whoever runs this is told.
func (s *Store) Decrypt(what string, text *trade.Restricted) *trade.Restricted {
	plain, err := s.options.Keyring.open(what, text)
	if err != nil {
		unreadable.Inc()
		if s.options.Keyring != nil {
			s.options.Keyring.Log.Error("a restricted value cannot be read", "err", err)
		}
		return nil
	}
	return plain
}

// reencryptedAtOnce is how many values are sealed anew in one transaction.
const reencryptedAtOnce = 500

// EncryptedColumn is a column that holds encrypted texts: what they say, the statement that
// reads some that are not encrypted with the first key, and the one that writes them.
type EncryptedColumn struct{ What, Stale, Write string }

// Reencrypt seals anew what in some columns is not sealed with the first key, so that the others
// can be taken out of force. Several processes may do it at once.
func (s *Store) Reencrypt(ctx context.Context, columns ...EncryptedColumn) (done int, err error) {
	keys, err := s.options.Keyring.keys()
	if err != nil {
		return 0, err
	}
	for _, c := range columns {
		lost := []string{} // that do not open, and stay as they are
		for n := reencryptedAtOnce; n == reencryptedAtOnce; {
			err := s.InTx(ctx, func(tx *Tx) error {
				var rows []struct {
					ID   string
					Text trade.Restricted
				}
				if err := tx.Select(ctx, &rows, c.Stale, keys[0].prefix()+"%", pq.Array(lost), reencryptedAtOnce); err != nil {
					return fmt.Errorf("re-encrypting: %w", err)
				}
				n = len(rows)
				var ids, texts []string
				for _, r := range rows {
					plain, err := s.options.Keyring.open(c.What, &r.Text)
					if err != nil {
						lost = append(lost, r.ID)
						continue
					}
					reencrypted, err := s.options.Keyring.encrypt(c.What, plain)
					if err != nil {
						return err
					}
					ids, texts = append(ids, r.ID), append(texts, string(*reencrypted))
				}
				_, err := tx.Exec(ctx, c.Write, pq.Array(ids), pq.Array(texts))
				done += len(ids)
				return err
			})
			if err != nil {
				return done, err
			}
		}
		if len(lost) > 0 {
			s.options.Keyring.Log.ErrorContext(ctx,
				"restricted values cannot be re-encrypted: their key is missing; put it back as a further line of "+
					"PORTICO_DATA_KEY_FILE", "values", len(lost))
		}
	}
	return done, nil
}
