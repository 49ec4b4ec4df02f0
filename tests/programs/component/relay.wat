;; Two components with memories of their own: the outer asks the inner to echo a string, many times.
(component
  (component $Inner
    (core module $m
      (memory (export "mem") 1)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
      (func (export "echo") (param i32 i32) (result i32)
        (i32.store (i32.const 16) (local.get 0))
        (i32.store (i32.const 20) (local.get 1))
        (i32.const 16)))
    (core instance $i (instantiate $m))
    (func (export "echo") (param "s" string) (result string)
      (canon lift (core func $i "echo") (memory (core memory $i "mem"))
        (realloc (core func $i "realloc")))))
  (component $Outer
    (import "echo" (func $echo (param "s" string) (result string)))
    (core module $libc
      (memory (export "mem") 1)
      (data (i32.const 64) "hello")
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 2048)))
    (core instance $libc (instantiate $libc))
    (core func $echo' (canon lower (func $echo) (memory (core memory $libc "mem"))
      (realloc (core func $libc "realloc"))))
    (core module $m
      (import "" "echo" (func $echo (param i32 i32 i32)))
      (import "" "mem" (memory 1))
      (func (export "run") (param $n i32) (result i32)
        (local $sum i32)
        (loop $again
          (call $echo (i32.const 64) (i32.const 5) (i32.const 16))
          (local.set $sum (i32.add (local.get $sum) (i32.load (i32.const 20))))
          (local.set $n (i32.sub (local.get $n) (i32.const 1)))
          (br_if $again (local.get $n)))
        (local.get $sum)))
    (core instance $i (instantiate $m (with "" (instance
      (export "echo" (func $echo'))
      (export "mem" (memory $libc "mem"))))))
    (func (export "run") (param "n" u32) (result u32) (canon lift (core func $i "run"))))
  (instance $inner (instantiate $Inner))
  (instance $outer (instantiate $Outer (with "echo" (func $inner "echo"))))
  (export "run" (func $outer "run"))
)
