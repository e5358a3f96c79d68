module go_types

go 1.25
