package console

import (
	"fmt"
	"slices"
	"strings"
)

// A Role is what somebody may do; a higher one may all that a lower one may.
type Role int

// The roles.
const (
	Nobody Role = iota
	Viewer
	Operator
	Approver
	Admin
)

// roleNames are the roles as settings and pages have them, in their order.
func roleNames() []string { return []string{"nobody", "viewer", "operator", "approver", "admin"} }

func (r Role) String() string { return roleNames()[r] }

// ParseRole returns the role of a name; "nobody" is none.
func ParseRole(name string) (Role, error) {
	i := slices.Index(roleNames(), name)
	if i <= int(Nobody) {
		return Nobody, fmt.Errorf("%q is none of %s", name, strings.Join(roleNames()[1:], ", "))
	}
	return Role(i), nil
}

// Roles says which role a group of the identity provider gives.
type Roles map[string]Role

// ParseRoles reads group=role pairs.
func ParseRoles(pairs []string) (Roles, error) {
	roles := Roles{}
	for _, pair := range pairs {
		group, name, ok := strings.Cut(strings.TrimSpace(pair), "=")
		if !ok || group == "" {
			return nil, fmt.Errorf("%q is not group=role", pair)
		}
		role, err := ParseRole(name)
		if err != nil {
			return nil, err
		}
		roles[group] = role
	}
	return roles, nil
}

// of returns the highest role of the groups; Nobody for groups without one.
func (r Roles) of(groups []string) Role {
	highest := Nobody
	for _, g := range groups {
		highest = max(highest, r[strings.TrimSpace(g)])
	}
	return highest
}

// A User is who is asking. The name is kept in hub.audit with what they do.
type User struct {
	Name string
	Role Role
}
