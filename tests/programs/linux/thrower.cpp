// The other file of exceptions.cpp: what is thrown here is caught there.
#include <stdexcept>
#include <string>

struct Guard {
  int &n;
  ~Guard() { n++; }
};
void thrown_elsewhere(int n) {
  int left = 0;
  Guard g{left};
  if (n == 0) throw std::out_of_range("elsewhere " + std::to_string(left));
  thrown_elsewhere(n - 1);
}
int calls_back(int (*f)(int), int n) {
  std::string kept(static_cast<std::size_t>(n), 'k');
  int r = f(n);
  return r + static_cast<int>(kept.size());
}
