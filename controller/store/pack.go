package store

import (
	"bytes"
	"compress/flate"
	"encoding/json"
	"fmt"
	"io"
	"sync"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

// packer encodes orders small enough to keep ten thousand of them in memory. Its buffers are large and used again.
type packer struct {
	writers, readers sync.Pool
}

// pack encodes an order. Equal orders give equal bytes.
func (p *packer) pack(order *v1alpha1.WorkOrder) ([]byte, error) {
	data, err := json.Marshal(order)
	if err != nil {
		return nil, fmt.Errorf("encode order %s: %w", order.Name, err)
	}
	var out bytes.Buffer
	w, err := p.writer(&out)
	if err != nil {
		return nil, fmt.Errorf("compress order %s: %w", order.Name, err)
	}
	defer p.writers.Put(w)
	if _, err := w.Write(data); err != nil {
		return nil, fmt.Errorf("compress order %s: %w", order.Name, err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("compress order %s: %w", order.Name, err)
	}
	return bytes.Clone(out.Bytes()), nil
}

func (p *packer) writer(out io.Writer) (*flate.Writer, error) {
	if w, ok := p.writers.Get().(*flate.Writer); ok {
		w.Reset(out)
		return w, nil
	}
	return flate.NewWriter(out, flate.BestSpeed)
}

// unpack undoes pack.
func (p *packer) unpack(packed []byte) (*v1alpha1.WorkOrder, error) {
	r, err := p.reader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("decompress an order: %w", err)
	}
	defer p.readers.Put(r)
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("decompress an order: %w", err)
	}
	order := &v1alpha1.WorkOrder{}
	if err := json.Unmarshal(data, order); err != nil {
		return nil, fmt.Errorf("decode an order: %w", err)
	}
	return order, nil
}

func (p *packer) reader(in io.Reader) (io.ReadCloser, error) {
	if r, ok := p.readers.Get().(io.ReadCloser); ok {
		if resetter, ok := r.(flate.Resetter); ok {
			return r, resetter.Reset(in, nil)
		}
	}
	return flate.NewReader(in), nil
}
