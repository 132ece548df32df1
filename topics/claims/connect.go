package claims

import "github.com/redis/go-redis/v9"

// A Server says where Redis is, and how to get in.
type Server struct {
	Addrs          []string // of Redis, of nodes of a cluster, or of sentinels
	Mode           string   // single, cluster or sentinel
	Master         string   // that the sentinels watch
	User, Password string   // empty: the default user, none
}

// Connect makes a client as the package comment asks for: it repeats nothing by
// itself, for a repeat after a lost reply would be told that another one has the
// claim. It connects when first used, and is the caller's to close.
func Connect(s Server) redis.UniversalClient {
	return redis.NewUniversalClient(&redis.UniversalOptions{
		Addrs: s.Addrs, Username: s.User, Password: s.Password,
		MasterName: s.Master, IsClusterMode: s.Mode == "cluster",
		MaxRetries: -1, DisableIdentity: true,
	})
}
