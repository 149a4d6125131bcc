// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_SUPPORT_PRACTICE_PROVIDER_FORM_H_
#define GRANTKEEP_TESTS_SUPPORT_PRACTICE_PROVIDER_FORM_H_

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace grantkeep::practice {

// Parameters of a query or a form, decoded, in order, duplicates kept.
class Form {
 public:
  // application/x-www-form-urlencoded (RFC 6749 appendix B). Nothing for a broken percent-encoding.
  static std::optional<Form> Parse(std::string_view encoded);

  void Add(std::string name, std::string value) { fields_.emplace_back(std::move(name), std::move(value)); }
  std::string Encode() const;

  // The first value of that name; empty counts as absent (RFC 6749 section 3.1).
  std::optional<std::string> Get(std::string_view name) const;
  // The values of a parameter that may repeat (`resource`, RFC 8707 section 2).
  std::vector<std::string> GetAll(std::string_view name) const;
  // A name other than `resource` that appears twice.
  std::optional<std::string> Duplicated() const;

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

std::string FormEncode(std::string_view text);
std::optional<std::string> FormDecode(std::string_view text);

// `text` for use in HTML content and quoted attributes.
std::string HtmlEscape(std::string_view text);

// Words separated by single spaces, as in `scope`.
std::vector<std::string> SplitWords(std::string_view text);
std::string JoinWords(const std::vector<std::string>& words);

}  // namespace grantkeep::practice

#endif  // GRANTKEEP_TESTS_SUPPORT_PRACTICE_PROVIDER_FORM_H_
