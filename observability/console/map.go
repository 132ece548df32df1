package console

import "fmt"

// The measures of the route map, in units of its picture.
const (
	mapWidth  = 1180
	topicX    = 245 // where topics that are read end
	routeX    = 300
	routeW    = 270
	systemX   = 625
	systemW   = 160
	writesX   = 840 // where topics that are written begin
	lineStep  = 32
	bandLeast = 84
	bandGap   = 16
)

// A routeMap is the picture of all routes: source topics, route, system, written
// topics, one band for each route.
type routeMap struct {
	Width, Height int
	Bands         []mapBand
}

type mapBand struct {
	routeView
	Y, Middle, Height int
	BoxY              int
	Sources, Writes   []mapTopic
	// The edge between route and system, and where its label stands.
	CallX1, CallX2 int
}

type mapTopic struct {
	Name    string
	Y       int
	X       int
	Edge    string   // path of its curve
	Readers []string // routes that go on with it
	View    topicView
}

// drawMap lays the picture out.
func drawMap(s snapshot) routeMap {
	readers := map[string][]string{}
	for _, r := range s.Routes {
		for _, topic := range r.Sources {
			readers[topic] = append(readers[topic], r.Name)
		}
	}
	m := routeMap{Width: mapWidth}
	y := bandGap
	for _, r := range s.Routes {
		lines := max(len(r.Sources), len(r.Writes))
		b := mapBand{routeView: r, Y: y, Height: max(bandLeast, lines*lineStep+12), CallX1: routeX + routeW, CallX2: systemX}
		b.Middle = y + b.Height/2
		b.BoxY = b.Middle - bandLeast/2 + 4
		b.Sources = spread(s, b.Middle, r.Route.Sources)
		for i := range b.Sources {
			t := &b.Sources[i]
			t.X = topicX
			t.Edge = curve(topicX+8, t.Y, routeX-4, b.Middle)
		}
		b.Writes = spread(s, b.Middle, r.Route.Writes)
		for i := range b.Writes {
			t := &b.Writes[i]
			t.X, t.Readers = writesX, readers[t.Name]
			t.Edge = curve(systemX+systemW, b.Middle, writesX-8, t.Y)
		}
		m.Bands = append(m.Bands, b)
		y += b.Height + bandGap
	}
	m.Height = y
	return m
}

// spread places topics around the middle of a band.
func spread(s snapshot, middle int, names []string) []mapTopic {
	out := make([]mapTopic, len(names))
	for i, name := range names {
		out[i] = mapTopic{Name: name, Y: middle + (2*i-len(names)+1)*lineStep/2, View: s.Topics[name]}
	}
	return out
}

// curve is the path of an edge: flat at both ends.
func curve(x1, y1, x2, y2 int) string {
	half := (x1 + x2) / 2
	return fmt.Sprintf("M%d %dC%d %d %d %d %d %d", x1, y1, half, y1, half, y2, x2, y2)
}
