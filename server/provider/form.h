// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_PROVIDER_FORM_H_
#define GRANTKEEP_PROVIDER_FORM_H_

#include <string>
#include <string_view>
#include <vector>

#include "crypto/secret.h"

namespace grantkeep {

// application/x-www-form-urlencoded (RFC 6749 appendix B). Letters, digits and "*-._~" stay as
// they are: identifiers made of them look the same to servers that forget to decode.
void AppendFormEncoded(std::string& out, std::string_view text);
std::string FormEncode(std::string_view text);

// The parameters of a request to a token endpoint, in order.
class FormParameters {
 public:
  // Empty values are left out: an empty parameter counts as omitted (RFC 6749 section 3.2).
  void Add(std::string_view name, std::string_view value);

  FormParameters Clone() const;
  bool empty() const { return parameters_.empty(); }

  // The request body in either form. A name that was added several times repeats in the form and
  // is an array in JSON.
  Secret ToForm() const;
  Secret ToJson() const;

  // Whether a piece of a credential among the parameters occurs in `text`.
  bool LeaksInto(std::string_view text) const;

 private:
  struct Parameter {
    std::string name;
    Secret value;
  };
  std::vector<Parameter> parameters_;
};

// Whether `text` holds `secret`, or eight or more consecutive bytes of it.
bool HoldsPieceOf(std::string_view text, std::string_view secret);

}  // namespace grantkeep

#endif  // GRANTKEEP_PROVIDER_FORM_H_
