package console

import "time"

// speeds makes rates of counts that only rise.
type speeds map[string]speed

type speed struct {
	count int64
	at    time.Time
	rate  float64
}

// rateOver is the time over which a rate is smoothed.
const rateOver = 10 * time.Second

// rate takes a count and returns how fast it rises a second, smoothed. The first
// count of a name, and one after a long silence, says nothing yet.
func (s speeds) rate(name string, count int64, now time.Time) float64 {
	last, known := s[name]
	passed := now.Sub(last.at)
	if !known || passed > 2*rateOver || count < last.count {
		s[name] = speed{count, now, 0}
		return 0
	}
	if passed <= 0 {
		return last.rate
	}
	weight := min(1, passed.Seconds()/rateOver.Seconds()*2)
	rate := last.rate*(1-weight) + float64(count-last.count)/passed.Seconds()*weight
	if rate < 0.05 {
		rate = 0
	}
	s[name] = speed{count, now, rate}
	return rate
}
