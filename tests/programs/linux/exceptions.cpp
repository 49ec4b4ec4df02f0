// C++: exceptions through every kind of frame, and the library that stands on them.
#include <algorithm>
#include <any>
#include <array>
#include <bitset>
#include <chrono>
#include <complex>
#include <cstdio>
#include <deque>
#include <exception>
#include <functional>
#include <iomanip>
#include <iostream>
#include <list>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <regex>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <typeinfo>
#include <unordered_map>
#include <variant>
#include <vector>

void thrown_elsewhere(int n);  // in thrower.cpp
int calls_back(int (*f)(int), int n);

static std::string trail;
struct Noisy {
  char name;
  explicit Noisy(char n) : name(n) { trail += name; }
  ~Noisy() { trail += static_cast<char>(name - 32); }
};
struct Base : std::exception {
  int n;
  explicit Base(int x) : n(x) {}
  const char *what() const noexcept override { return "base"; }
};
struct Derived : Base {
  using Base::Base;
  const char *what() const noexcept override { return "derived"; }
};
struct Left { virtual ~Left() = default; int l = 1; };
struct Right { virtual ~Right() = default; int r = 2; };
struct Both : Left, Right { int b = 3; };

static int deep(int n) {
  Noisy here(static_cast<char>('a' + n % 26));
  double kept = n * 0.5;
  if (n == 0) throw Derived(7);
  int r = deep(n - 1);
  return r + static_cast<int>(kept);
}
static int middle(int n) {
  try {
    return deep(n);
  } catch (const std::out_of_range &) {
    return -1;
  }
}
static int rethrows(int n) {
  try {
    return middle(n);
  } catch (const Base &e) {
    trail += '!';
    if (n % 2) throw;
    throw std::runtime_error("from " + std::string(e.what()));
  }
}
static int thrower(int n) {
  if (n > 2) throw n * 10;
  return n;
}
static void no_throw() noexcept { trail += '.'; }

template <class F> static void shown(const char *name, F f) {
  trail.clear();
  try {
    f();
    std::cout << name << ": no exception";
  } catch (const Derived &e) {
    std::cout << name << ": Derived " << e.n << ' ' << e.what();
  } catch (const std::exception &e) {
    std::cout << name << ": " << e.what();
  } catch (int i) {
    std::cout << name << ": int " << i;
  } catch (const Right &r) {
    std::cout << name << ": Right " << r.r;
  } catch (...) {
    std::cout << name << ": something";
  }
  std::cout << " [" << trail << "]\n";
}

static void exceptions() {
  shown("deep", [] { deep(20); });
  shown("rethrow", [] { rethrows(5); });
  shown("replaced", [] { rethrows(4); });
  shown("elsewhere", [] { thrown_elsewhere(3); });
  shown("through C", [] { std::cout << calls_back(thrower, 2) << ' '; calls_back(thrower, 9); });
  shown("second base", [] { throw Both(); });
  shown("pointer", [] { try { throw "text"; } catch (const char *t) { trail += t; } });
  shown("at", [] { std::vector<int> v(3); v.at(5) = 1; });
  shown("stoi", [] { std::stoi("nope"); });
  shown("bad_alloc", [] { std::vector<long> v; v.resize(static_cast<std::size_t>(1) << 60); });
  shown("bad_cast", [] { Left l; dynamic_cast<Both &>(l).b = 1; });
  shown("bad_variant", [] { std::variant<int, std::string> v = 3; std::get<1>(v).size(); });
  shown("bad_function", [] { std::function<int()> f; f(); });
  shown("pointer kept", [] {
    std::exception_ptr kept;
    try {
      deep(3);
    } catch (...) {
      kept = std::current_exception();
    }
    trail += '|';
    std::rethrow_exception(kept);
  });
  shown("nested", [] {
    try {
      try {
        thrown_elsewhere(1);
      } catch (...) {
        std::throw_with_nested(std::logic_error("outer"));
      }
    } catch (const std::exception &e) {
      trail += e.what();
      try {
        std::rethrow_if_nested(e);
      } catch (const std::exception &inner) {
        trail += std::string("<") + inner.what();
      }
    }
  });
  shown("in a destructor", [] {
    struct Swallows { ~Swallows() { try { throw 1; } catch (int) { trail += 's'; } } };
    Swallows one;
    throw Base(1);
  });
  shown("constructor", [] {
    struct Half { Noisy a{'a'}, b{'b'}; Half() { throw 5; } };
    Half h;
  });
  shown("noexcept", [] { no_throw(); });
  int total = 0;
  for (int i = 0; i < 300; i++) {
    try {
      if (i % 3 == 0) throw std::string("s");
      if (i % 3 == 1) throw static_cast<double>(i);
      deep(i % 5);
    } catch (const std::string &s) {
      total += static_cast<int>(s.size());
    } catch (double d) {
      total += static_cast<int>(d);
    } catch (const Base &b) {
      total += b.n * 1000;
    }
  }
  std::cout << "many: " << total << ", uncaught " << std::uncaught_exceptions() << '\n';
}

static void streams() {
  std::ostringstream out;
  out << std::setw(8) << std::setfill('*') << 42 << ' ' << std::hex << std::showbase << 255 << ' ' << std::dec << std::fixed
      << std::setprecision(3) << 3.14159265 << ' ' << std::scientific << 12345.678 << ' ' << std::defaultfloat << 1e100 << ' '
      << std::boolalpha << true << ' ' << std::left << std::setw(6) << "ab" << '|' << std::hexfloat << 0.1;
  std::cout << out.str() << '\n';
  std::istringstream in("12 0x1f 3.5e2 word \"quoted text\" rest of line\nnext");
  int a, b;
  double d;
  std::string w, q, rest;
  in >> a >> std::hex >> b >> d >> w >> std::quoted(q);
  std::getline(in, rest);
  std::cout << a << ' ' << b << ' ' << d << ' ' << w << ' ' << q << " |" << rest << '|' << in.good();
  in >> a;
  std::cout << in.fail() << in.eof() << '\n';
  std::cout << std::put_time(std::gmtime(&(const std::time_t &)std::array<std::time_t, 1>{1700000000}[0]), "%F %T") << '\n';
}

static void containers() {
  std::mt19937_64 random(12345);
  std::map<std::string, int> words;
  std::unordered_map<int, std::string> table;
  std::set<int> numbers;
  for (int i = 0; i < 2000; i++) {
    int n = static_cast<int>(random() % 700);
    words["w" + std::to_string(n)] += i;
    table[n] += static_cast<char>('a' + i % 26);
    numbers.insert(n);
  }
  long long sum = 0;
  for (const auto &[k, v] : words) sum = sum * 31 + v + static_cast<long long>(k.size());
  std::cout << "map " << sum << ", set " << numbers.size() << ", table " << table.size() << ' ' << table[42].size() << '\n';
  std::vector<std::string> v;
  for (int n : numbers) v.push_back(std::string(static_cast<std::size_t>(n % 40), 'x') + std::to_string(n));
  std::sort(v.begin(), v.end(), [](auto &x, auto &y) { return x.size() != y.size() ? x.size() < y.size() : x < y; });
  std::stable_partition(v.begin(), v.end(), [](auto &s) { return s.back() == '7'; });
  std::cout << v.front() << ' ' << v.back().size() << ' ' << std::accumulate(v.begin(), v.end(), std::size_t(0), [](auto t, auto &s) { return t * 7 + s.size(); }) << '\n';
  std::normal_distribution<double> normal(0, 1);
  std::uniform_real_distribution<float> uniform(-1, 1);
  double total = 0;
  for (int i = 0; i < 1000; i++) total += normal(random) * uniform(random);
  std::cout << "random " << std::setprecision(17) << total << '\n';
  std::deque<std::unique_ptr<Noisy>> queue;
  trail.clear();
  for (char c = 'a'; c < 'k'; c++) queue.push_front(std::make_unique<Noisy>(c));
  queue.erase(queue.begin() + 2, queue.begin() + 5);
  queue.clear();
  std::cout << trail << '\n';
  auto shared = std::make_shared<int>(5);
  std::weak_ptr<int> weak = shared;
  std::any any = shared;
  shared.reset();
  std::cout << weak.use_count() << ' ' << any.type().name() << ' ' << std::bitset<20>(0xabcde) << ' ' << std::abs(std::complex<double>(3, 4)) << '\n';
  std::list<int> list{5, 3, 9, 1};
  list.sort();
  list.splice(list.begin(), list, std::prev(list.end()));
  for (int n : list) std::cout << n << ' ';
  std::optional<std::string> maybe;
  std::cout << maybe.value_or("none") << '\n';
}

static void expressions() {
  std::regex r(R"((\w+)@(\w+)\.(com|org))");
  std::string text = "mail ann@example.com or bob@test.org, not x@y.net";
  for (std::sregex_iterator i(text.begin(), text.end(), r), end; i != end; ++i) std::cout << (*i)[1] << " at " << (*i)[2] << "; ";
  std::cout << std::regex_replace(text, r, "<$2>") << '\n';
  try {
    std::regex bad("(");
  } catch (const std::regex_error &e) {
    std::cout << "regex error " << (e.code() == std::regex_constants::error_paren) << '\n';
  }
}

struct Static {
  const char *name;
  explicit Static(const char *n) : name(n) { std::printf("construct %s\n", n); }
  ~Static() { std::printf("destroy %s\n", name); }
};
static Static global("global");
static thread_local Static local("thread local");

int main(int argc, char **) {
  static Static in_main("in main");
  std::printf("%s\n", local.name);
  if (argc > 1) throw Base(3);  // nobody catches it
  exceptions();
  streams();
  containers();
  expressions();
  std::cout << "type " << typeid(Both).name() << std::endl;
  return 0;
}
