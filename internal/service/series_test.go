//go:build synctests || kafka

package service

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
)

// point is one sample of a series.
type point struct {
	t int64
	v float64
}

func (p point) T() int64                      { return p.t }
func (p point) ST() int64                     { return 0 }
func (p point) F() float64                    { return p.v }
func (p point) H() *histogram.Histogram       { return nil }
func (p point) FH() *histogram.FloatHistogram { return nil }
func (p point) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (p point) Copy() chunks.Sample           { return p }

// series is what Prometheus would have stored of scrapes.
type series struct {
	mu  sync.Mutex
	all map[string]*oneSeries
}

type oneSeries struct {
	labels labels.Labels
	points []chunks.Sample
	seen   int64 // the time of the latest scrape that had it
}

func newSeries() *series { return &series{all: make(map[string]*oneSeries)} }

// add takes one sample.
func (s *series) add(at time.Time, v float64, lset labels.Labels) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := lset.String()
	one := s.all[key]
	if one == nil {
		one = &oneSeries{labels: lset}
		s.all[key] = one
	}
	one.points, one.seen = append(one.points, point{at.UnixMilli(), v}), at.UnixMilli()
}

// scrape takes what a registry shows, with labels of the target. A series that has gone is stale.
func (s *series) scrape(at time.Time, families []*dto.MetricFamily, target ...string) {
	for _, f := range families {
		for _, m := range f.GetMetric() {
			of := func(name string, more ...string) labels.Labels {
				pairs := append([]string{model.MetricNameLabel, name}, append(slices.Clone(target), more...)...)
				for _, l := range m.GetLabel() {
					pairs = append(pairs, l.GetName(), l.GetValue())
				}
				return labels.FromStrings(pairs...)
			}
			h := m.GetHistogram()
			if h == nil {
				s.add(at, m.GetCounter().GetValue()+m.GetGauge().GetValue(), of(f.GetName()))
				continue
			}
			s.add(at, h.GetSampleSum(), of(f.GetName()+"_sum"))
			s.add(at, float64(h.GetSampleCount()), of(f.GetName()+"_count"))
			s.add(at, float64(h.GetSampleCount()), of(f.GetName()+"_bucket", "le", "+Inf"))
			for _, b := range h.GetBucket() {
				s.add(at, float64(b.GetCumulativeCount()), of(f.GetName()+"_bucket", "le", labelNumber(b.GetUpperBound())))
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.all {
		if last := one.points[len(one.points)-1].F(); one.seen < at.UnixMilli() && !value.IsStaleNaN(last) {
			one.points = append(one.points, point{at.UnixMilli(), math.Float64frombits(value.StaleNaN)})
		}
	}
}

// Querier implements storage.Queryable.
func (s *series) Querier(_, _ int64) (storage.Querier, error) { return querier{s}, nil }

type querier struct{ *series }

// Select implements storage.Querier.
func (q querier) Select(_ context.Context, _ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	q.mu.Lock()
	defer q.mu.Unlock()
	set := &seriesSet{at: -1}
	for _, one := range q.all {
		fits := func(m *labels.Matcher) bool { return m.Matches(one.labels.Get(m.Name)) }
		if !slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return !fits(m) }) {
			set.list = append(set.list, storage.NewListSeries(one.labels, slices.Clone(one.points)))
		}
	}
	slices.SortFunc(set.list, func(a, b storage.Series) int { return cmp.Compare(a.Labels().String(), b.Labels().String()) })
	return set
}

var errNotAsked = errors.New("the engine does not ask for it")

func (querier) LabelValues(context.Context, string, *storage.LabelHints, ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return nil, nil, errNotAsked
}

func (querier) LabelNames(context.Context, *storage.LabelHints, ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return nil, nil, errNotAsked
}
func (querier) Close() error { return nil }

type seriesSet struct {
	list []storage.Series
	at   int
}

func (s *seriesSet) Next() bool                      { s.at++; return s.at < len(s.list) }
func (s *seriesSet) At() storage.Series              { return s.list[s.at] }
func (*seriesSet) Err() error                        { return nil }
func (*seriesSet) Warnings() annotations.Annotations { return nil }
